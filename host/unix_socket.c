// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets that have a path. One that is in use by somebody else is never taken away. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "unix_socket.h"

/* A socket, and the address that @path is. Returns a descriptor, or -errno. */
static int pvmem_unix_socket(const char *path, int flags, struct sockaddr_un *addr)
{
	int fd;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	return fd < 0 ? -errno : fd;
}

/**
 * pvmem_unix_connect() - connects to a socket
 * @path: where it is.
 * @flags: SOCK_NONBLOCK or 0.
 *
 * Return: a descriptor, or -errno.
 */
int pvmem_unix_connect(const char *path, int flags)
{
	struct sockaddr_un addr;
	int err, fd = pvmem_unix_socket(path, flags, &addr);

	if (fd < 0)
		return fd;
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* What a process that was killed has left: a socket that nobody answers. All else stays, and is in the way. */
static void pvmem_unix_clear(const char *path)
{
	struct stat status;
	int fd = pvmem_unix_connect(path, SOCK_NONBLOCK);

	if (fd == -ECONNREFUSED && !lstat(path, &status) && S_ISSOCK(status.st_mode))
		unlink(path);
	if (fd >= 0)
		close(fd);
}

/**
 * pvmem_unix_listen() - listens on a socket of our own
 * @path: where; its directory is made. Its owner and group may connect.
 * @backlog: clients that may wait.
 *
 * Return: a descriptor that does not block, or -errno: -EADDRINUSE when somebody
 * listens there already.
 */
int pvmem_unix_listen(const char *path, int backlog)
{
	g_autofree char *directory = g_path_get_dirname(path);
	struct sockaddr_un addr;
	int err, fd = pvmem_unix_socket(path, SOCK_NONBLOCK, &addr);

	if (fd < 0)
		return fd;
	g_mkdir_with_parents(directory, 0755);
	pvmem_unix_clear(path);
	if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)) && !chmod(path, 0660) && !listen(fd, backlog))
		return fd;
	err = -errno;
	close(fd);
	return err;
}
