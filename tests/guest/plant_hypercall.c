// SPDX-License-Identifier: GPL-2.0
/* The raw hypercalls of pvmem_test.ko, for pvmem_plant.ko: kbuild links an object into one module only. */
#include "test_xen.c"
