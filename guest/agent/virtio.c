// SPDX-License-Identifier: GPL-2.0-or-later
/* The way to the host on KVM: a virtio-serial port, found by its name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <pvmem/names.h>
#include "agent.h"

#define PVMEM_PORTS "/sys/class/virtio-ports"

static int pvmem_port_matches(const char *port)
{
	char path[512], name[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), PVMEM_PORTS "/%s/name", port);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(name, sizeof(name), file))
		*name = 0;
	fclose(file);
	name[strcspn(name, "\n")] = 0;
	return !strcmp(name, PVMEM_CHANNEL);
}

static int pvmem_virtio_open(struct pvmem_transport *transport)
{
	DIR *ports = opendir(PVMEM_PORTS);
	struct dirent *entry;
	char path[512];
	int fd = -ENODEV;

	if (!ports)
		return -ENODEV;
	while (fd == -ENODEV && (entry = readdir(ports))) {
		if (entry->d_name[0] == '.' || !pvmem_port_matches(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	closedir(ports);
	transport->fd = fd;
	return fd < 0 ? fd : 0;
}

static void pvmem_virtio_close(struct pvmem_transport *transport)
{
	close(transport->fd);
}

/* A port whose other end is closed reads as the end of a file. */
static ssize_t pvmem_virtio_read(struct pvmem_transport *transport, void *data, size_t size)
{
	ssize_t len = read(transport->fd, data, size);

	if (len < 0)
		return -errno;
	return len ? len : -EPIPE;
}

/* A port whose queue is broken takes nothing, without an error: it is opened anew. */
static ssize_t pvmem_virtio_write(struct pvmem_transport *transport, const void *data, size_t size)
{
	ssize_t len = write(transport->fd, data, size);

	if (len < 0)
		return -errno;
	return len ? len : -EIO;
}

const struct pvmem_transport_ops pvmem_virtio = {
	.name = "virtio-serial port " PVMEM_CHANNEL,
	.open = pvmem_virtio_open,
	.close = pvmem_virtio_close,
	.read = pvmem_virtio_read,
	.write = pvmem_virtio_write,
};
