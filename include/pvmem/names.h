/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that guest, host and administrators agree on. Changing one is a change
 * of protocol: docs/protocol.md.
 */
#ifndef PVMEM_NAMES_H
#define PVMEM_NAMES_H

#define PVMEM_VERSION "0.1"

/* Of every message; a peer that speaks another one is told so and not heard. */
#define PVMEM_PROTOCOL 1

/* KVM: the virtio-serial port, as QEMU and the guest's sysfs name it. */
#define PVMEM_CHANNEL "org.pvmem.agent.0"

/*
 * Xen: keys below the domain's own directory in xenstore. A byte stream each
 * way, a chunk at a time: "SEQUENCE BYTES" in ..._DATA until the reader writes
 * SEQUENCE to ..._TAKEN.
 */
#define PVMEM_XS_DIR "data/pvmem"
#define PVMEM_XS_GUEST_DATA PVMEM_XS_DIR "/guest-data"
#define PVMEM_XS_GUEST_TAKEN PVMEM_XS_DIR "/guest-taken"
#define PVMEM_XS_HOST_DATA PVMEM_XS_DIR "/host-data"
#define PVMEM_XS_HOST_TAKEN PVMEM_XS_DIR "/host-taken"

/* xenstored refuses a guest's values of more than 2,048 bytes. */
#define PVMEM_XS_CHUNK 1536

/* libvirt: the element's namespace, and the prefix the daemon writes it with. */
#define PVMEM_METADATA_URI "https://pvmem.example/domain/1"
#define PVMEM_METADATA_KEY "pvmem"

#define PVMEM_SYSFS "/sys/kernel/pvmem"
#define PVMEM_ZSWAP_SYSFS "/sys/module/zswap/parameters"

#endif
