/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases as symbolic links. symlinkat(2) is the claim: it fails when the name exists, and the
 * target of the link names the owner. So a lease always has an owner, and a claim needs no lock. A
 * lease of another boot is void; only its replacement takes the lock of the directory.
 */
#include "net/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "net/lease.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/process.h"

#include <errno.h>

/* Where a search ends in a larger subnet: a million refused claims take a second. */
enum { TRIES_MAX = 1 << 20 };

int lease_read(int leases_fd, const char *name, struct lease_owner *out)
{
	int r = sys_readlink_at(leases_fd, name, out->owner, sizeof(out->owner));

	if (r < 0)
		return r;
	char *at = strrchr(out->owner, '@');
	if (!at)
		return -EINVAL;
	*at = '\0';
	fmt(out->boot, "%s", at + 1);
	return 0;
}

int lease_self(struct lease_owner *out, const char *owner)
{
	if (strchr(owner, '@') || fmt(out->owner, "%s", owner) < 0)
		return err_say(-EINVAL, "no name for the owner of a lease: %s", owner);
	int r = process_boot_id(out->boot);
	return r < 0 ? err_new(r, "read the boot id") : 0;
}

static int link_lease(int leases_fd, const char *name, const struct lease_owner *self)
{
	char target[sizeof(*self)];

	fmt(target, "%s@%s", self->owner, self->boot);
	return sys_symlink_at(target, leases_fd, name);
}

/* Replaces a lease of another boot. If two processes try, the lock orders them, and the second one
 * finds the lease of the first. */
static int replace_void_lease(int leases_fd, const char *name, const struct lease_owner *self)
{
	struct lease_owner other;
	auto_close int lock = lock_file_at(leases_fd, "void.lock", true);

	if (lock < 0)
		return lock;
	int r = lease_read(leases_fd, name, &other);
	if (r >= 0 && str_eq(other.boot, self->boot))
		return -EEXIST;
	r = sys_unlink_at(leases_fd, name, 0);
	if (r < 0 && r != -ENOENT)
		return r;
	return link_lease(leases_fd, name, self);
}

int lease_claim(int leases_fd, const char *name, const struct lease_owner *self,
	struct lease_owner *out_other)
{
	int r = link_lease(leases_fd, name, self);

	if (r != -EEXIST)
		return r < 0 ? r : 1;
	r = lease_read(leases_fd, name, out_other);
	if (r == -ENOENT) /* given back meanwhile */
		r = link_lease(leases_fd, name, self);
	else if (r < 0 || !str_eq(out_other->boot, self->boot))
		r = replace_void_lease(leases_fd, name, self);
	else
		return str_eq(out_other->owner, self->owner) ? 0 : -EEXIST;
	return r < 0 ? r : 1;
}

static void address_name(char out[static LEASE_NAME], const struct net_address *a)
{
	char text[NET_ADDRESS_TEXT];

	fmt_n(out, LEASE_NAME, "ip-%s", net_address_format(text, a));
}

/* `next-10.88.0.0-16` holds the number of the host to try first. It is a hint: without it a search
 * takes more tries. */
static void hint_name(char out[static LEASE_NAME], const struct net_subnet *subnet)
{
	char text[NET_ADDRESS_TEXT];

	fmt_n(out, LEASE_NAME, "next-%s-%u", net_address_format(text, &subnet->address),
		subnet->length);
}

static uint64_t read_hint(int leases_fd, const struct net_subnet *subnet)
{
	auto_buf struct buf text = BUF_INIT;
	char name[LEASE_NAME];
	uint64_t number;

	hint_name(name, subnet);
	if (file_read_at(leases_fd, name, 24, &text) < 0 || parse_u64(text.data, &number) < 0)
		return 1;
	return number;
}

/* Written in place, always with the same length: a process that is killed here leaves no temporary
 * file behind. */
static void write_hint(int leases_fd, const struct net_subnet *subnet, uint64_t number)
{
	char name[LEASE_NAME], text[24];

	hint_name(name, subnet);
	fmt(text, "%020llu", (unsigned long long)number);
	if (file_write_at(leases_fd, name, text) == -ENOENT)
		file_create_at(leases_fd, name, text, strlen(text), 0600);
}

int net_lease_forget(int leases_fd, const struct net_subnet *subnet)
{
	char name[LEASE_NAME];

	hint_name(name, subnet);
	int r = sys_unlink_at(leases_fd, name, 0);
	return r == -ENOENT ? 0 : r;
}

int net_lease_next(int leases_fd, const struct net_subnet *subnet,
	const struct net_address *gateway, const char *owner, struct net_address *out)
{
	struct lease_owner self, other;
	struct net_address candidate;
	char name[LEASE_NAME], text[NET_SUBNET_TEXT];

	int r = lease_self(&self, owner);
	if (r < 0)
		return r;
	uint64_t first = read_hint(leases_fd, subnet), number = first;
	if (net_subnet_host(subnet, first, &candidate) < 0)
		first = number = 1;
	for (unsigned i = 0; i < TRIES_MAX; i++, number++) {
		if (net_subnet_host(subnet, number, &candidate) < 0) {
			number = 0; /* after the last one: go on at the first */
			if (first <= 1)
				break;
			continue;
		}
		if (i > 0 && number == first)
			break;
		if (gateway && net_address_equal(&candidate, gateway))
			continue;
		address_name(name, &candidate);
		r = lease_claim(leases_fd, name, &self, &other);
		if (r == 1) {
			write_hint(leases_fd, subnet, number + 1);
			*out = candidate;
			return 0;
		}
		if (r < 0 && r != -EEXIST)
			return err_new(r, "claim the address %s", name + 3);
	}
	return err_say(-ENOSPC, "no address of %s is free", net_subnet_format(text, subnet));
}

int net_lease_address(int leases_fd, const struct net_subnet *subnet,
	const struct net_address *gateway, const struct net_address *address, const char *owner)
{
	struct net_subnet one = {.address = *address, .length = (uint8_t)(address->size * 8)};
	struct net_address end = subnet->address;
	struct lease_owner self, other;
	char name[LEASE_NAME], text[NET_SUBNET_TEXT];

	address_name(name, address);
	if (!net_subnet_has(subnet, address))
		return err_say(-EINVAL, "the address %s is not in the subnet %s", name + 3,
			net_subnet_format(text, subnet));
	if (gateway && net_address_equal(gateway, address))
		return err_say(-EADDRINUSE, "the address %s is the gateway's", name + 3);
	/* In IPv4 the last address of the subnet is the broadcast address. */
	net_address_add(&end, ((uint64_t)1 << (one.length - subnet->length) % 64) - 1);
	if (net_address_equal(address, &subnet->address) ||
		(address->size == 4 && net_address_equal(address, &end)))
		return err_say(-EINVAL, "the address %s names the subnet %s as a whole", name + 3,
			net_subnet_format(text, subnet));
	int r = lease_self(&self, owner);
	if (r < 0)
		return r;
	r = lease_claim(leases_fd, name, &self, &other);
	if (r == -EEXIST)
		return err_say(-EADDRINUSE, "the address %s belongs to %s", name + 3, other.owner);
	return r < 0 ? err_new(r, "claim the address %s", name + 3) : 0;
}

int lease_give_back(int leases_fd, const char *name, const char *owner)
{
	struct lease_owner found;
	int r = lease_read(leases_fd, name, &found);

	if (r >= 0 && str_eq(found.owner, owner))
		r = sys_unlink_at(leases_fd, name, 0);
	return r == -ENOENT ? 0 : r;
}

int net_lease_release(int leases_fd, const struct net_address *address, const char *owner)
{
	char name[LEASE_NAME];

	address_name(name, address);
	return lease_give_back(leases_fd, name, owner);
}

int net_lease_release_all(int leases_fd, const char *owner)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int result = file_list_at(leases_fd, ".", &names);

	if (result < 0)
		return result;
	strvec_each (name, &names) {
		if (!str_prefix(*name, "ip-") && !str_prefix(*name, "port-"))
			continue;
		int r = lease_give_back(leases_fd, *name, owner);
		if (r < 0)
			result = r;
	}
	return result;
}

/* Is this the lease of an address of the subnet, or (NULL) of a port? */
static bool is_lease_of(const char *name, const struct net_subnet *subnet)
{
	struct net_address address;

	if (!subnet)
		return str_prefix(name, "port-");
	const char *text = str_after(name, "ip-");
	return text && net_address_parse(text, &address) == 0 && net_subnet_has(subnet, &address);
}

int net_lease_holder(
	int leases_fd, const struct net_subnet *subnet, char out_owner[static NET_OWNER_TEXT])
{
	auto_strvec struct strvec names = STRVEC_INIT;
	struct lease_owner self, owner;

	int r = lease_self(&self, "");
	if (r < 0)
		return r;
	r = file_list_at(leases_fd, ".", &names);
	if (r < 0)
		return err_new(r, "list the leases");
	strvec_each (name, &names) {
		if (!is_lease_of(*name, subnet) || lease_read(leases_fd, *name, &owner) < 0 ||
			!str_eq(owner.boot, self.boot))
			continue;
		fmt_n(out_owner, NET_OWNER_TEXT, "%s", owner.owner);
		return 1;
	}
	return 0;
}
