/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UNIT_TESTS_H
#define UNIT_TESTS_H

/* With several tasks: for TSan. */
#define STRESS_TESTS(T)              \
	T(stress_hold)               \
	T(stress_track)              \
	T(stress_eager)              \
	T(stress_switching)          \
	T(stress_with_faults)        \
	T(stress_unholdable)         \
	T(stress_double_unmap)       \
	T(stress_double_unmap_large) \
	T(stress_zs_compact)         \
	T(stress_zs_evict)           \
	T(stress_kvm_flush)

#define UNIT_TESTS(T)                   \
	T(va_tree_model)                \
	T(map_bad_arguments)            \
	T(unmap_bad_address)            \
	T(unmap_huge)                   \
	T(same_page_many_times)         \
	T(unholdable_pages)             \
	T(policy_switch)                \
	T(page_outside_table)           \
	T(address_space_exhausted)      \
	T(window_growth_fails)          \
	T(window_alignment)             \
	T(long_lived_maps_share_blocks) \
	T(hold_keeps_pages)             \
	T(growth_meets_lazy_pages)      \
	T(growth_after_policy_switch)   \
	T(lazy_limit)                   \
	T(destroy_with_live_map)        \
	T(destroy_with_page_table_out)  \
	T(destroy_with_refused_purge)   \
	T(two_instances)                \
	T(purge_nothing)                \
	T(purge_whole_blocks)           \
	T(purge_many_spans)             \
	T(purge_batch_full)             \
	T(purge_filter)                 \
	T(purge_refused)                \
	T(purge_refused_always)         \
	T(alias_table)                  \
	T(pool_watermarks)              \
	T(pool_cap)                     \
	T(pool_dirty_pages)             \
	T(pool_dirty_refused)           \
	T(pool_adopts)                  \
	T(pool_adopted_shrunk)          \
	T(pool_room)                    \
	T(pool_purges_aliases)          \
	T(pool_drops_aliased)           \
	T(pool_pin_refused)             \
	T(pool_out_of_memory)           \
	T(pool_freeze)                  \
	T(pool_cpu_leaves)              \
	T(vmap_model)                   \
	T(vmap_model_migrating)         \
	T(every_allocation_fails)       \
	T(zs_model)                     \
	T(zs_model_migrating)           \
	T(zs_classes)                   \
	T(zs_grows_by_page)             \
	T(zs_bad_size)                  \
	T(zs_double_free)               \
	T(zs_destroy_with_objects)      \
	T(zs_bulk)                      \
	T(zs_borrows)                   \
	T(zs_compact)                   \
	T(zs_compact_single)            \
	T(zs_compact_bounded)           \
	T(zs_compact_mapped)            \
	T(zs_fence)                     \
	T(zs_replace)                   \
	T(zs_evict)                     \
	T(zs_evict_refused)             \
	T(zs_every_allocation_fails)    \
	T(every_backend_call_fails)     \
	T(kvm_record)                   \
	T(kvm_answers)                  \
	STRESS_TESTS(T)

#define T(name) void test_##name(void);
UNIT_TESTS(T)
#undef T

#endif
