// SPDX-License-Identifier: GPL-2.0-or-later
#include <glib.h>
#include <unistd.h>
#include "paths.h"

#define PVMEM_SYSTEM_RUNTIME "/run/pvmem"

/**
 * pvmem_runtime_path() - where sockets are
 * @name: below it.
 *
 * Return: /run/pvmem/NAME for root, else pvmem/NAME in the user's runtime directory; to be freed.
 */
char *pvmem_runtime_path(const char *name)
{
	if (!geteuid())
		return g_build_filename(PVMEM_SYSTEM_RUNTIME, name, NULL);
	return g_build_filename(g_get_user_runtime_dir(), "pvmem", name, NULL);
}
