/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where daemon and command line meet. */
#ifndef PVMEM_HOST_PATHS_H
#define PVMEM_HOST_PATHS_H

char *pvmem_runtime_path(const char *name);

#endif
