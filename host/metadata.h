/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options as an element of a domain's <metadata>; host/pvmem-domain.rng is its schema. */
#ifndef PVMEM_HOST_METADATA_H
#define PVMEM_HOST_METADATA_H

#include "guest.h"

void pvmem_metadata_parse(const char *xml, struct pvmem_asked *asked);
char *pvmem_metadata_format(const struct pvmem_options *options);

#endif
