// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "options_file.h"

/* No options take more; whatever is longer is no options. */
#define PVMEM_OPTIONS_FILE_MAX 4096

/**
 * pvmem_options_file_read() - options from a file
 * @path: a JSON object, as pvmem_options_file_write() writes it; none: no options.
 * @asked: set: the options, or why the file holds none.
 */
void pvmem_options_file_read(const char *path, struct pvmem_asked *asked)
{
	struct stat status;
	json_t *json;

	*asked = (struct pvmem_asked){ 0 };
	if (stat(path, &status))
		return;
	if (!S_ISREG(status.st_mode) || status.st_size > PVMEM_OPTIONS_FILE_MAX) {
		g_strlcpy(asked->error, "the options' file is no small regular file", sizeof(asked->error));
		return;
	}
	json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	if (!json)
		g_strlcpy(asked->error, "the options' file is not JSON", sizeof(asked->error));
	else
		pvmem_options_from_json(json, &asked->options, asked->error);
	json_decref(json);
}

/**
 * pvmem_options_file_write() - options into a file, whole or not at all
 * @path: the file; its directory is made.
 * @options: what to write; NULL removes the file.
 * @error: why not.
 *
 * Return: whether it is done.
 */
gboolean pvmem_options_file_write(const char *path, const struct pvmem_options *options, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);
	json_t *json;
	char *text;
	gboolean ret;

	if (!options) {
		if (!g_unlink(path) || errno == ENOENT)
			return TRUE;
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
		return FALSE;
	}
	g_mkdir_with_parents(directory, 0700);
	json = pvmem_options_to_json(options);
	text = json_dumps(json, JSON_INDENT(8) | JSON_SORT_KEYS);
	ret = g_file_set_contents(path, text, -1, error);
	free(text);
	json_decref(json);
	return ret;
}
