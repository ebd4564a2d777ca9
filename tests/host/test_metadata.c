// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metadata: what the schema allows is taken, all else is refused; both parser
 * and shipped schema get every case. Options written are read back.
 */
#include <libxml/relaxng.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <pvmem/names.h>
#include "../../host/metadata.h"

static xmlRelaxNGPtr schema;

static void quiet(void *data, const char *format, ...)
{
}

static int load_schema(void **state)
{
	xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt("host/data/pvmem-domain.rng");

	xmlSetGenericErrorFunc(NULL, quiet);
	schema = xmlRelaxNGParse(parser);
	xmlRelaxNGFreeParserCtxt(parser);
	return !schema;
}

static int free_schema(void **state)
{
	xmlRelaxNGFree(schema);
	return 0;
}

/* As libvirt keeps it: the root and what is in it in our namespace. */
static gboolean schema_takes(const char *xml)
{
	g_autofree char *qualified = NULL;
	const char *name_end = strpbrk(xml, " />");
	xmlRelaxNGValidCtxtPtr context;
	xmlDocPtr doc;
	int ret;

	if (!name_end)
		return FALSE;
	qualified = g_strdup_printf("%.*s xmlns='" PVMEM_METADATA_URI "'%s", (int)(name_end - xml), xml, name_end);
	doc = xmlReadMemory(qualified, strlen(qualified), NULL, NULL, XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!doc)
		return FALSE;
	context = xmlRelaxNGNewValidCtxt(schema);
	ret = xmlRelaxNGValidateDoc(context, doc);
	xmlRelaxNGFreeValidCtxt(context);
	xmlFreeDoc(doc);
	return !ret;
}

static const char *const good[] = {
	"<memory-compression/>",
	"<memory-compression enabled='yes'/>",
	"<memory-compression enabled='no' compressor='zstd' zpool='pvmem' max-pool='25' accept-threshold='90'/>",
	"<memory-compression max-pool='1'/>",
	"<memory-compression max-pool='100'/>",
	"<memory-compression max-pool='007'/>",
	"<options/>",
	"<options><!-- why --> <pool low='0' high='1' batch='64' cap='1048576'/>\n<memory-compression enabled='yes'/></options>",
	"<vmap lazy-limit='512' policy='eager'/>",
	"<pool/>",
};

static const char *const bad[] = {
	"<memory-compression enabled='maybe'/>",
	"<memory-compression max-pool='0'/>",
	"<memory-compression max-pool='101'/>",
	"<memory-compression max-pool='-1'/>",
	"<memory-compression max-pool='+1'/>",
	"<memory-compression max-pool=' 1'/>",
	"<memory-compression max-pool='99999999999999999999'/>",
	"<memory-compression max-pool=''/>",
	"<memory-compression zpool='Pvmem'/>",
	"<memory-compression colour='red'/>",
	"<memory-compression>yes</memory-compression>",
	"<memory-compression><pool/></memory-compression>",
	"<options enabled='yes'/>",
	"<options><pool/><pool/></options>",
	"<options><options/></options>",
	"<options>text</options>",
	"<vmap lazy-limit='511'/>",
	"<pool batch='65'/>",
	"<pool low='1048577'/>",
	"<pools/>",
	"<memory-compression enabled='yes'",
	"memory-compression",
	"<",
};

static void parser_and_schema_agree(void **state)
{
	struct pvmem_asked asked;
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(good); i++) {
		pvmem_metadata_parse(good[i], &asked);
		if (*asked.error || !schema_takes(good[i]))
			fail_msg("%s: parser '%s', schema %d", good[i], asked.error, schema_takes(good[i]));
	}
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		pvmem_metadata_parse(bad[i], &asked);
		if (!*asked.error || asked.options.set || schema_takes(bad[i]))
			fail_msg("%s: parser '%s', schema %d", bad[i], asked.error, schema_takes(bad[i]));
	}
}

/* Every option's every limit, in parser and schema. */
static void limits_agree(void **state)
{
	const struct pvmem_option_info *info;
	struct pvmem_asked asked;
	guint64 value;
	gint64 at;
	int i, end;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		info = &pvmem_option_infos[i];
		for (end = 0; end < 2 && info->type == PVMEM_OPTION_NUMBER; end++) {
			for (at = -1; at <= 1; at++) {
				g_autofree char *xml = NULL;

				value = (end ? info->max : info->min) + at;
				xml = g_strdup_printf("<%s %s='%" G_GINT64_FORMAT "'/>", info->element, info->attribute,
						      (gint64)value);
				pvmem_metadata_parse(xml, &asked);
				if (schema_takes(xml) != !*asked.error)
					fail_msg("%s: parser '%s', schema %d", xml, asked.error, schema_takes(xml));
			}
		}
		for (value = 0; info->type == PVMEM_OPTION_CHOICE && info->choices[value]; value++) {
			g_autofree char *xml = g_strdup_printf("<%s %s='%s'/>", info->element, info->attribute,
							       info->choices[value]);

			assert_true(schema_takes(xml));
		}
	}
}

static void reasons_say_what_is_wrong(void **state)
{
	struct pvmem_asked asked;

	pvmem_metadata_parse("<memory-compression max-pool='400'/>", &asked);
	assert_string_equal(asked.error, "max-pool: '400' is not allowed: 1 to 100 percent");
	pvmem_metadata_parse("<memory-compression colour='red'/>", &asked);
	assert_string_equal(asked.error, "<memory-compression>: there is no attribute 'colour'");
	pvmem_metadata_parse("<options><pool low='9' high='3'/></options>", &asked);
	assert_string_equal(asked.error, "pool-low: 9 is more than pool-high, which is 3");
}

static void nothing_foreign_is_read(void **state)
{
	struct pvmem_asked asked;
	g_autofree char *huge = g_strnfill(100000, ' ');

	pvmem_metadata_parse(
		"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><memory-compression enabled='&e;'/>", &asked);
	assert_true(*asked.error);
	memcpy(huge, "<pool/>", 7);
	pvmem_metadata_parse(huge, &asked);
	assert_true(*asked.error);
	pvmem_metadata_parse(NULL, &asked);
	assert_false(*asked.error);
	assert_int_equal(asked.options.set, 0);
}

static void options_go_round(void **state)
{
	struct pvmem_options options = { 0 };
	struct pvmem_asked asked;
	guint32 set;
	int i;

	/* Every subset. Values that fit together: the greatest. */
	for (set = 0; set < 1u << PVMEM_NR_OPTIONS; set++) {
		g_autofree char *xml = NULL;

		options = (struct pvmem_options){ 0 };
		for (i = 0; i < PVMEM_NR_OPTIONS; i++)
			if (set >> i & 1)
				pvmem_options_set(&options, i, pvmem_option_infos[i].max ?: 1);
		xml = pvmem_metadata_format(&options);
		pvmem_metadata_parse(xml, &asked);
		assert_string_equal(asked.error, "");
		assert_true(pvmem_options_equal(&asked.options, &options));
		if (!(set % 97))
			assert_true(schema_takes(xml));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parser_and_schema_agree),   cmocka_unit_test(limits_agree),
		cmocka_unit_test(reasons_say_what_is_wrong), cmocka_unit_test(nothing_foreign_is_read),
		cmocka_unit_test(options_go_round),
	};

	return cmocka_run_group_tests(tests, load_schema, free_schema);
}
