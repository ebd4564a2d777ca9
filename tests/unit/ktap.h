/* SPDX-License-Identifier: GPL-2.0 */
/* Each test runs in a process of its own: one that ends itself fails alone. */
#ifndef UNIT_KTAP_H
#define UNIT_KTAP_H

struct ktap_test {
	const char *name;
	void (*run)(void);
};

/* Tests named in @argv, or all; up to the first that fails after "--stop". Return: exit status. */
int ktap_main(const struct ktap_test *tests, unsigned int nr, int argc, char **argv);

#endif
