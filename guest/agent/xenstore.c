// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way to the host on Xen: two byte streams through xenstore, a chunk at a
 * time, as names.h says. Xenstore and not a ring of shared pages (libxenvchan):
 * reports are few and small, xenstore is there in every domain without another
 * module, and after a save and restore the same keys are simply written again.
 *
 * What has been taken is read from the store each time, not remembered: so
 * either side may restart at any moment.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>
#include <pvmem/names.h>
#include "agent.h"

static void pvmem_xenstore_close(struct pvmem_transport *transport)
{
	xs_close(transport->store);
}

static int pvmem_xenstore_open(struct pvmem_transport *transport)
{
	struct xs_handle *xs = xs_open(0);

	if (!xs)
		return -ENODEV;
	transport->store = xs;
	transport->fd = xs_fileno(xs);
	if (transport->fd >= 0 && xs_watch(xs, PVMEM_XS_HOST_DATA, "host-data") &&
	    xs_watch(xs, PVMEM_XS_GUEST_TAKEN, "guest-taken"))
		return 0;
	xs_close(xs);
	return -EIO;
}

/* The number a value begins with; 0 when there is none. @data: what follows, to be freed with *@value. */
static unsigned long pvmem_xenstore_number(struct xs_handle *xs, const char *key, char **value, char **data,
					   size_t *len)
{
	unsigned long number;
	unsigned int size;
	char *end;

	*value = xs_read(xs, XBT_NULL, key, &size);
	if (!*value)
		return 0;
	number = strtoul(*value, &end, 10);
	*data = *end == ' ' ? end + 1 : end;
	*len = size - (*data - *value);
	return number;
}

static unsigned long pvmem_xenstore_taken(struct xs_handle *xs, const char *key)
{
	char *value, *data;
	size_t len;
	unsigned long number = pvmem_xenstore_number(xs, key, &value, &data, &len);

	free(value);
	return number;
}

static ssize_t pvmem_xenstore_read(struct pvmem_transport *transport, void *to, size_t size)
{
	struct xs_handle *xs = transport->store;
	char *value, *data, **event, taken[32];
	unsigned long number;
	size_t len;

	while ((event = xs_check_watch(xs)))
		free(event);
	number = pvmem_xenstore_number(xs, PVMEM_XS_HOST_DATA, &value, &data, &len);
	if (!number || number == pvmem_xenstore_taken(xs, PVMEM_XS_HOST_TAKEN) || len > size) {
		free(value);
		return -EAGAIN;
	}
	memcpy(to, data, len);
	free(value);
	snprintf(taken, sizeof(taken), "%lu", number);
	if (!xs_write(xs, XBT_NULL, PVMEM_XS_HOST_TAKEN, taken, strlen(taken)))
		return -errno;
	return len ? (ssize_t)len : -EAGAIN;
}

static ssize_t pvmem_xenstore_write(struct pvmem_transport *transport, const void *from, size_t size)
{
	struct xs_handle *xs = transport->store;
	char chunk[PVMEM_XS_CHUNK + 32];
	unsigned long number = pvmem_xenstore_taken(xs, PVMEM_XS_GUEST_DATA);
	int head;

	if (number && number != pvmem_xenstore_taken(xs, PVMEM_XS_GUEST_TAKEN))
		return -EAGAIN;
	if (size > PVMEM_XS_CHUNK)
		size = PVMEM_XS_CHUNK;
	head = snprintf(chunk, sizeof(chunk), "%lu ", number + 1);
	memcpy(chunk + head, from, size);
	if (!xs_write(xs, XBT_NULL, PVMEM_XS_GUEST_DATA, chunk, head + size))
		return -errno;
	return size;
}

const struct pvmem_transport_ops pvmem_xenstore = {
	.name = "xenstore " PVMEM_XS_DIR,
	.open = pvmem_xenstore_open,
	.close = pvmem_xenstore_close,
	.read = pvmem_xenstore_read,
	.write = pvmem_xenstore_write,
};
