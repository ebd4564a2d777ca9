// SPDX-License-Identifier: GPL-2.0
/* libFuzzer chooses the operations; tests/model says what they mean and checks. */
#include "interp.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	interp_vmap(data, size);
	return 0;
}
