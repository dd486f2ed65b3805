/* SPDX-License-Identifier: Apache-2.0 */
/* `features`: what this runtime supports, as the specification's features structure, and nothing
 * else. */
#include "runtime_cli/internal.h"
#include "base/json.h"
#include "base/str.h"
#include "bundle/bundle.h"
#include "mount/mount.h"
#include "ns/ns.h"
#include "sec/sec.h"

#include <stdio.h>

static const struct opt features_opts[] = {OPT_END};

static void put_list(struct json_writer *w, const char *key, const char *const *words)
{
	json_open_array(w, key);
	for (; *words; words++)
		json_put_string(w, NULL, *words);
	json_close_array(w);
}

static void put_namespaces(struct json_writer *w)
{
	json_open_array(w, "namespaces");
	for (int i = 0; i < NS_COUNT; i++)
		json_put_string(w, NULL, ns_info[i].oci_name);
	json_close_array(w);
}

static void put_capabilities(struct json_writer *w)
{
	auto_buf struct buf names = BUF_INIT;
	sec_caps_describe(sec_caps_known(), &names);
	json_open_array(w, "capabilities");
	char *rest = names.data;
	for (char *name = str_cut(&rest, ','); name; name = str_cut(&rest, ',')) {
		auto_free char *whole = mem_printf("CAP_%s", name);
		json_put_string(w, NULL, whole);
	}
	json_close_array(w);
}

static void put_switch(struct json_writer *w, const char *key, bool is_enabled)
{
	json_open_object(w, key);
	json_put_bool(w, "enabled", is_enabled);
	json_close_object(w);
}

static void put_cgroup(struct json_writer *w)
{
	json_open_object(w, "cgroup");
	json_put_bool(w, "v1", true);
	json_put_bool(w, "v2", true);
	json_put_bool(w, "systemd", true);
	json_put_bool(w, "systemdUser", true);
	json_put_bool(w, "rdma", true);
	json_close_object(w);
}

static void put_seccomp(struct json_writer *w)
{
	static const struct {
		const char *key;
		enum bundle_seccomp_word kind;
	} lists[] = {
		{"actions", BUNDLE_SECCOMP_ACTION},
		{"operators", BUNDLE_SECCOMP_OPERATOR},
		{"archs", BUNDLE_SECCOMP_ARCHITECTURE},
		{"knownFlags", BUNDLE_SECCOMP_FLAG},
		{"supportedFlags", BUNDLE_SECCOMP_FLAG},
	};
	json_open_object(w, "seccomp");
	json_put_bool(w, "enabled", true);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		auto_strvec struct strvec words = STRVEC_INIT;
		bundle_seccomp_words(lists[i].kind, &words);
		put_list(w, lists[i].key, (const char *const *)words.items);
	}
	json_close_object(w);
}

static void put_memory_policy(struct json_writer *w)
{
	auto_strvec struct strvec modes = STRVEC_INIT, flags = STRVEC_INIT;
	sec_sched_words(SEC_SCHED_WORDS_MEMORY_MODE, &modes);
	sec_sched_words(SEC_SCHED_WORDS_MEMORY_FLAG, &flags);
	json_open_object(w, "memoryPolicy");
	put_list(w, "modes", (const char *const *)modes.items);
	put_list(w, "flags", (const char *const *)flags.items);
	json_close_object(w);
}

static void put_rdt(struct json_writer *w)
{
	json_open_object(w, "intelRdt");
	json_put_bool(w, "enabled", true);
	json_put_bool(w, "schemata", true);
	json_put_bool(w, "monitoring", true);
	json_close_object(w);
}

static int features_main(void *context, void *raw, int argc, char **argv)
{
	static const char *const hooks[] = {"prestart", "createRuntime", "createContainer",
		"startContainer", "poststart", "poststop", NULL};
	auto_buf struct buf text = BUF_INIT;
	auto_strvec struct strvec options = STRVEC_INIT;
	struct json_writer w = {.out = &text, .is_pretty = true};
	mount_option_words(&options);
	json_open_object(&w, NULL);
	json_put_string(&w, "ociVersionMin", "1.0.0");
	json_put_string(&w, "ociVersionMax", BUNDLE_OCI_VERSION);
	put_list(&w, "hooks", hooks);
	put_list(&w, "mountOptions", (const char *const *)options.items);
	json_open_object(&w, "linux");
	put_namespaces(&w);
	put_capabilities(&w);
	put_cgroup(&w);
	put_seccomp(&w);
	put_switch(&w, "apparmor", true);
	put_switch(&w, "selinux", true);
	put_rdt(&w);
	put_memory_policy(&w);
	json_open_object(&w, "mountExtensions");
	put_switch(&w, "idmap", true);
	json_close_object(&w);
	put_switch(&w, "netDevices", true);
	json_close_object(&w);
	json_close_object(&w);
	printf("%s\n", text.data);
	return 0;
}

const struct command runtime_cmd_features = {
	.name = "features",
	.summary = "say what this runtime can do, as JSON",
	.opts = features_opts,
	.run = features_main,
};
