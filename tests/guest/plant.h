/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PVMEM_PLANT_H
#define PVMEM_PLANT_H

int plant_pin(void);
int plant_pool(void);
void plant_unpin(void);

#endif
