// SPDX-License-Identifier: GPL-2.0-or-later
/* Help, man page and bash completion, all made from the table of commands. */
#include <stdio.h>
#include <string.h>
#include "ctl.h"
#include <pvmem/names.h>

/* Calls @each for every option of a command: name, value's name or NULL, help. */
static void ctl_each_option(const struct ctl_command *command,
			    void (*each)(const char *name, const char *arg, const char *help, gpointer data),
			    gpointer data)
{
	int i;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		const struct pvmem_option_info *info = &pvmem_option_infos[i];
		char range[PVMEM_REASON];
		g_autofree char *help = NULL;

		if (!ctl_has_option(command, i))
			continue;
		help = g_strdup_printf("%s: %s", info->help, pvmem_option_range(i, range));
		each(info->attribute, info->unit ? (strcmp(info->unit, "pages") ? "PERCENT" : "PAGES") : "NAME", help,
		     data);
	}
	for (i = 0; i < CTL_NR_FLAGS; i++)
		if (ctl_flags(command) >> i & 1)
			each(ctl_flag_infos[i].name, ctl_flag_infos[i].arg, ctl_flag_infos[i].help, data);
}

/**
 * ctl_help() - all commands
 * @to: where.
 */
void ctl_help(FILE *to)
{
	guint i;

	fprintf(to, "usage: pvmemctl COMMAND [DOMAIN] [option]...\n\n");
	for (i = 0; i < ctl_nr_commands; i++)
		fprintf(to, "  %-20s %s\n", ctl_commands[i].name, ctl_commands[i].summary);
	fprintf(to, "\npvmemctl COMMAND --help tells a command's options, pvmemctl(1) the rest.\n");
}

static void ctl_help_option(const char *name, const char *arg, const char *help, gpointer data)
{
	g_autofree char *left = g_strconcat("--", name, arg ? " " : "", arg ?: "", NULL);

	fprintf(data, "  %-27s %s\n", left, help);
}

/**
 * ctl_help_command() - one command
 * @command: which.
 * @to: where.
 */
void ctl_help_command(const struct ctl_command *command, FILE *to)
{
	fprintf(to, "usage: pvmemctl %s%s [option]...\n\n%s\n\n", command->name, command->domain ? " DOMAIN" : "",
		command->text);
	ctl_each_option(command, ctl_help_option, to);
}

/* Text for roff: a dash is a minus, and no line begins with a dot or quote. */
static void ctl_roff(const char *text)
{
	gboolean start = TRUE;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
		start = *text == '\n';
	}
}

static void ctl_man_option(const char *name, const char *arg, const char *help, gpointer data)
{
	fputs(".TP\n.B \\-\\-", stdout);
	ctl_roff(name);
	if (arg)
		printf(" \\fI%s\\fR", arg);
	putchar('\n');
	ctl_roff(help);
	putchar('\n');
}

/**
 * ctl_man() - the man page, in roff
 */
void ctl_man(void)
{
	guint i;

	puts(".\\\" SPDX\\-License\\-Identifier: GPL-2.0-or-later\n.\\\" Made by pvmemctl man.");
	puts(".TH PVMEMCTL 1 2026-11-21 \"pvmem " PVMEM_VERSION "\" \"User Commands\"");
	puts(".SH NAME\npvmemctl \\- see and steer the memory of guests with pvmem");
	puts(".SH SYNOPSIS\n.B pvmemctl\n.I command\n.RI [ domain ]\n.RI [ option ...]");
	puts(".SH DESCRIPTION\nAsks\n.BR pvmemd (8)\nover its control socket.\n"
	     "A domain is given by its name or uuid.");
	puts(".SH COMMANDS");
	for (i = 0; i < ctl_nr_commands; i++) {
		fputs(".SS ", stdout);
		ctl_roff(ctl_commands[i].name);
		puts(ctl_commands[i].domain ? " DOMAIN" : "");
		ctl_roff(ctl_commands[i].text);
		putchar('\n');
		ctl_each_option(&ctl_commands[i], ctl_man_option, NULL);
	}
	puts(".SH EXIT STATUS\n0 when it is done, 1 when it failed, 2 when the command line is not valid.");
	puts(".SH SEE ALSO\n.BR pvmemd (8),\n.BR pvmemd.conf (5),\n.BR pvmem\\-agent (8)");
}

static void ctl_completion_option(const char *name, const char *arg, const char *help, gpointer data)
{
	printf(" --%s", name);
}

static void ctl_completion_choices(void)
{
	int i, c;

	for (i = 0; i < PVMEM_NR_OPTIONS; i++) {
		const struct pvmem_option_info *info = &pvmem_option_infos[i];

		if (info->type != PVMEM_OPTION_CHOICE)
			continue;
		printf("\t--%s) words='", info->attribute);
		for (c = 0; info->choices[c]; c++)
			printf("%s%s", c ? " " : "", info->choices[c]);
		puts("' ;;");
	}
}

/**
 * ctl_completion() - a script for bash
 */
void ctl_completion(void)
{
	guint i;

	puts("# SPDX-License-Identifier: GPL-2.0-or-later\n# Made by pvmemctl completion.\n_pvmemctl()\n{\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words='' name names=''\n"
	     "\tif [ \"$COMP_CWORD\" = 1 ]; then");
	fputs("\t\tCOMPREPLY=($(compgen -W '", stdout);
	for (i = 0; i < ctl_nr_commands; i++)
		printf("%s%s", i ? " " : "", ctl_commands[i].name);
	puts("' -- \"$word\"))\n\t\treturn\n\tfi\n\tcase $before in");
	ctl_completion_choices();
	puts("\t--socket) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n\tesac\n"
	     "\tif [ -z \"$words\" ]; then\n\t\tcase ${COMP_WORDS[1]} in");
	for (i = 0; i < ctl_nr_commands; i++) {
		printf("\t\t%s) words='--help", ctl_commands[i].name);
		ctl_each_option(&ctl_commands[i], ctl_completion_option, NULL);
		puts("' ;;");
	}
	puts("\t\tesac\n\t\t[[ $word == -* ]] || names=1\n\tfi\n"
	     "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	     "\t[ -n \"$names\" ] || return 0\n"
	     "\t# Not with compgen -W: it would run what stands in a domain's name.\n"
	     "\twhile read -r name; do\n"
	     "\t\t[[ $name != \"$word\"* ]] || COMPREPLY+=(\"$(printf %q \"$name\")\")\n"
	     "\tdone < <(pvmemctl list --names 2>/dev/null)\n}\ncomplete -F _pvmemctl pvmemctl");
}
