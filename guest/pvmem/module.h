/* SPDX-License-Identifier: GPL-2.0 */
/* What the files that tie the one instance to the kernel share. */
#ifndef PVMEM_MODULE_H
#define PVMEM_MODULE_H

#include <pvmem/pvmem.h>

struct pvmem;

/* Made and destroyed by main.c. */
extern struct pvmem *pvmem_instance;

#define PVMEM_LAZY_LIMIT_MIN 512UL

const char *pvmem_policy_name(enum pvmem_policy policy);
int pvmem_policy_parse(const char *name);
void pvmem_policy_set(struct pvmem *pv, enum pvmem_policy to);
int pvmem_lazy_limit_set(struct pvmem *pv, unsigned long limit);

int pvmem_sysfs_start(struct pvmem *pv);
void pvmem_sysfs_stop(void);
int pvmem_shrinkers_start(struct pvmem *pv);
void pvmem_shrinkers_stop(void);

#endif
