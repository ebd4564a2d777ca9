/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's options in a file of their own, for drivers that have no better place. */
#ifndef PVMEM_HOST_OPTIONS_FILE_H
#define PVMEM_HOST_OPTIONS_FILE_H

#include "guest.h"

void pvmem_options_file_read(const char *path, struct pvmem_asked *asked);
gboolean pvmem_options_file_write(const char *path, const struct pvmem_options *options, GError **error);

#endif
