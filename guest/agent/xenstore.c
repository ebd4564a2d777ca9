// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way to the host on Xen: two byte streams through xenstore. Xenstore and not
 * a ring of shared pages (libxenvchan): reports are few and small, xenstore is
 * there in every domain without another module, and after a save and restore the
 * same keys are simply written again.
 */
#include <errno.h>
#include <stdlib.h>
#include <xenstore.h>
#include "agent.h"
#include "xenstore/chunk.h"

static const struct pvmem_chunk_keys pvmem_from_host = { PVMEM_XS_HOST_DATA, PVMEM_XS_HOST_TAKEN };
static const struct pvmem_chunk_keys pvmem_to_host = { PVMEM_XS_GUEST_DATA, PVMEM_XS_GUEST_TAKEN };

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

static ssize_t pvmem_xenstore_read(struct pvmem_transport *transport, void *to, size_t size)
{
	char **event;

	while ((event = xs_check_watch(transport->store)))
		free(event);
	return pvmem_chunk_take(transport->store, &pvmem_from_host, to, size);
}

static ssize_t pvmem_xenstore_write(struct pvmem_transport *transport, const void *from, size_t size)
{
	return pvmem_chunk_put(transport->store, &pvmem_to_host, from, size);
}

const struct pvmem_transport_ops pvmem_xenstore = {
	.name = "xenstore " PVMEM_XS_DIR,
	.open = pvmem_xenstore_open,
	.close = pvmem_xenstore_close,
	.read = pvmem_xenstore_read,
	.write = pvmem_xenstore_write,
};
