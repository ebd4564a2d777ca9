// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metadata to options and back. The text comes from libvirt and was written by
 * whoever may define domains: it is checked as strictly as a command line, but
 * read without network, entities or DTD.
 */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>
#include <pvmem/names.h>
#include "metadata.h"

#define PVMEM_ROOT "options"

/* More than any options take. */
#define PVMEM_METADATA_MAX 16384

static const char *const pvmem_elements[] = { "memory-compression", "pool", "vmap" };

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

static gboolean pvmem_refuse(char reason[PVMEM_REASON], const char *what, const char *element, const char *name)
{
	char shown[64], inside[64];

	pvmem_text_copy(shown, sizeof(shown), name);
	pvmem_text_copy(inside, sizeof(inside), element);
	g_snprintf(reason, PVMEM_REASON, "<%s>: there is no %s '%s'", inside, what, shown);
	return FALSE;
}

/* The option that is an element's attribute. */
static int pvmem_attribute_find(const char *element, const char *name)
{
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++)
		if (!strcmp(pvmem_option_infos[i].element, element) && !strcmp(pvmem_option_infos[i].attribute, name))
			return i;
	return -1;
}

static gboolean pvmem_element_take(const xmlNode *node, struct pvmem_options *options, char reason[PVMEM_REASON])
{
	const xmlAttr *attribute;
	uint64_t value;
	int option, err;

	for (attribute = node->properties; attribute; attribute = attribute->next) {
		xmlChar *text = xmlNodeGetContent((const xmlNode *)attribute);

		option = pvmem_attribute_find((const char *)node->name, (const char *)attribute->name);
		err = option < 0 ? -1 : pvmem_option_parse(option, (const char *)text, &value, reason);
		xmlFree(text);
		if (option < 0)
			return pvmem_refuse(reason, "attribute", (const char *)node->name,
					    (const char *)attribute->name);
		if (err)
			return FALSE;
		pvmem_options_set(options, option, value);
	}
	return TRUE;
}

static gboolean pvmem_element_known(const xmlNode *node)
{
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(pvmem_elements); i++)
		if (!strcmp((const char *)node->name, pvmem_elements[i]))
			return TRUE;
	return FALSE;
}

/* Nothing but white space and comments, and the elements @take says yes to. */
static gboolean pvmem_children_take(const xmlNode *parent, gboolean nested, struct pvmem_options *options,
				    char reason[PVMEM_REASON])
{
	unsigned int seen = 0, bit;
	const xmlNode *node;
	gsize i;

	for (node = parent->children; node; node = node->next) {
		if (node->type == XML_COMMENT_NODE || (node->type == XML_TEXT_NODE && xmlIsBlankNode(node)))
			continue;
		if (!nested || node->type != XML_ELEMENT_NODE || !pvmem_element_known(node))
			return pvmem_refuse(reason, "content", (const char *)parent->name,
					    node->type == XML_ELEMENT_NODE ? (const char *)node->name : "text");
		for (i = 0, bit = 0; i < G_N_ELEMENTS(pvmem_elements); i++)
			bit |= !strcmp((const char *)node->name, pvmem_elements[i]) ? 1u << i : 0;
		if (seen & bit)
			return pvmem_refuse(reason, "second", (const char *)parent->name, (const char *)node->name);
		seen |= bit;
		if (!pvmem_element_take(node, options, reason) || !pvmem_children_take(node, FALSE, options, reason))
			return FALSE;
	}
	return TRUE;
}

static gboolean pvmem_root_take(const xmlNode *root, struct pvmem_options *options, char reason[PVMEM_REASON])
{
	if (!strcmp((const char *)root->name, PVMEM_ROOT)) {
		if (root->properties)
			return pvmem_refuse(reason, "attribute", PVMEM_ROOT, (const char *)root->properties->name);
		return pvmem_children_take(root, TRUE, options, reason);
	}
	if (!pvmem_element_known(root))
		return pvmem_refuse(reason, "element", "metadata", (const char *)root->name);
	return pvmem_element_take(root, options, reason) && pvmem_children_take(root, FALSE, options, reason);
}

/**
 * pvmem_metadata_parse() - options from a metadata element
 * @xml: <options>, or one of its children alone; NULL: none.
 * @asked: set: the options, or why they are not valid.
 */
void pvmem_metadata_parse(const char *xml, struct pvmem_asked *asked)
{
	struct pvmem_options options = { 0 };
	g_autoptr(xmlDoc) doc = NULL;

	*asked = (struct pvmem_asked){ 0 };
	if (!xml)
		return;
	if (strlen(xml) <= PVMEM_METADATA_MAX)
		doc = xmlReadMemory(xml, strlen(xml), NULL, NULL,
				    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!doc || !xmlDocGetRootElement(doc) || doc->intSubset)
		g_strlcpy(asked->error, "the metadata is not XML", sizeof(asked->error));
	else if (pvmem_root_take(xmlDocGetRootElement(doc), &options, asked->error) &&
		 !pvmem_options_check(&options, asked->error))
		asked->options = options;
}

static void pvmem_element_format(GString *xml, const struct pvmem_options *options, const char *element)
{
	char text[PVMEM_OPTION_TEXT];
	gboolean any = FALSE;
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		if (!pvmem_options_has(options, i) || strcmp(pvmem_option_infos[i].element, element))
			continue;
		if (!any)
			g_string_append_printf(xml, "<%s", element);
		any = TRUE;
		g_string_append_printf(xml, " %s='%s'", pvmem_option_infos[i].attribute,
				       pvmem_option_text(i, options->value[i], text));
	}
	if (any)
		g_string_append(xml, "/>");
}

/**
 * pvmem_metadata_format() - options as a metadata element
 * @options: the options.
 *
 * Return: XML, to be freed.
 */
char *pvmem_metadata_format(const struct pvmem_options *options)
{
	GString *xml = g_string_new("<" PVMEM_ROOT ">");
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(pvmem_elements); i++)
		pvmem_element_format(xml, options, pvmem_elements[i]);
	g_string_append(xml, "</" PVMEM_ROOT ">");
	return g_string_free(xml, FALSE);
}
