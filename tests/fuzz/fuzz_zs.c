// SPDX-License-Identifier: GPL-2.0
/* libFuzzer chooses what happens to compressed objects. */
#include "interp.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	interp_zs(data, size);
	return 0;
}
