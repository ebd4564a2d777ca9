// SPDX-License-Identifier: GPL-2.0
/* libFuzzer chooses what is allocated and freed. */
#include "interp.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	interp_va_tree(data, size);
	return 0;
}
