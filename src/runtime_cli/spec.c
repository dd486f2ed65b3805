/* SPDX-License-Identifier: Apache-2.0 */
/* `spec`: writes a configuration to begin with, the same as other runtimes write. */
#include "runtime_cli/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "bundle/bundle.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <unistd.h>

struct spec_args {
	const char *bundle;
	bool is_rootless;
};

static const struct opt spec_opts[] = {
	OPT_STRING('b', "bundle", struct spec_args, bundle, "DIR",
		"where to write config.json (default: here)"),
	OPT_FLAG(0, "rootless", struct spec_args, is_rootless, "for an ordinary user"),
	OPT_END,
};

#define CAPABILITIES "[\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"]"

static const char head[] =
	"{\n"
	"    \"ociVersion\": \"" BUNDLE_OCI_VERSION "\",\n"
	"    \"process\": {\n"
	"        \"terminal\": true,\n"
	"        \"user\": {\"uid\": 0, \"gid\": 0},\n"
	"        \"args\": [\"sh\"],\n"
	"        \"env\": [\n"
	"            \"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
	"            \"TERM=xterm\"\n"
	"        ],\n"
	"        \"cwd\": \"/\",\n"
	"        \"capabilities\": {\n"
	"            \"bounding\": " CAPABILITIES ",\n"
	"            \"effective\": " CAPABILITIES ",\n"
	"            \"permitted\": " CAPABILITIES "\n"
	"        },\n"
	"        \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": 1024}],\n"
	"        \"noNewPrivileges\": true\n"
	"    },\n"
	"    \"root\": {\"path\": \"rootfs\", \"readonly\": true},\n"
	"    \"hostname\": \"husk\",\n"
	"    \"mounts\": [\n"
	"        {\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"},\n"
	"        {\"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\",\n"
	"            \"options\": [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"]},\n"
	"        {\"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\",\n"
	"            \"options\": [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", "
	"\"mode=0620\""; /* and the rest of the mounts */

static const char more_mounts[] =
	"]},\n"
	"        {\"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\",\n"
	"            \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", "
	"\"size=65536k\"]},\n"
	"        {\"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\",\n"
	"            \"options\": [\"nosuid\", \"noexec\", \"nodev\"]},\n";

static const char sys_root[] =
	"        {\"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\",\n"
	"            \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"]},\n"
	"        {\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": "
	"\"cgroup\",\n"
	"            \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"]}\n";

/* A user namespace without its own network namespace may not mount sysfs. */
static const char sys_rootless[] =
	"        {\"destination\": \"/sys\", \"type\": \"none\", \"source\": \"/sys\",\n"
	"            \"options\": [\"rbind\", \"nosuid\", \"noexec\", \"nodev\", \"rro\"]}\n";

static const char middle[] = "    ],\n    \"linux\": {\n";

static const char resources[] =
	"        \"resources\": {\"devices\": [{\"allow\": false, \"access\": \"rwm\"}]},\n";

static const char namespaces[] = "        \"namespaces\": [\n"
				 "            {\"type\": \"pid\"}, {\"type\": \"ipc\"}, {\"type\": "
				 "\"uts\"}, {\"type\": \"mount\"},\n"
				 "            %s{\"type\": \"%s\"}\n"
				 "        ],\n";

static const char tail[] = "        \"maskedPaths\": [\"/proc/acpi\", \"/proc/asound\", "
			   "\"/proc/kcore\", \"/proc/keys\",\n"
			   "            \"/proc/latency_stats\", \"/proc/timer_list\", "
			   "\"/proc/timer_stats\", \"/proc/sched_debug\",\n"
			   "            \"/sys/firmware\", \"/proc/scsi\"],\n"
			   "        \"readonlyPaths\": [\"/proc/bus\", \"/proc/fs\", "
			   "\"/proc/irq\", \"/proc/sys\", \"/proc/sysrq-trigger\"]\n"
			   "    }\n"
			   "}\n";

/* As runc: a cgroup namespace where version 2 is alone. */
static bool is_unified(void)
{
	uint64_t magic;
	auto_close int dir = sys_open_at(AT_FDCWD, "/sys/fs/cgroup", O_PATH | O_DIRECTORY, 0);
	return dir >= 0 && sys_fs_magic(dir, &magic) == 0 && magic == CGROUP2_SUPER_MAGIC;
}

static int spec_main(void *context, void *raw, int argc, char **argv)
{
	const struct spec_args *args = raw;
	const char *bundle = args->bundle ? args->bundle : ".";
	auto_buf struct buf text = BUF_INIT;
	buf_adds(&text, head);
	if (!args->is_rootless) /* a user namespace of one id has no group tty */
		buf_adds(&text, ", \"gid=5\"");
	buf_adds(&text, more_mounts);
	buf_adds(&text, args->is_rootless ? sys_rootless : sys_root);
	buf_adds(&text, middle);
	if (args->is_rootless)
		buf_addf(&text,
			"        \"uidMappings\": [{\"containerID\": 0, \"hostID\": %u, \"size\": "
			"1}],\n"
			"        \"gidMappings\": [{\"containerID\": 0, \"hostID\": %u, \"size\": "
			"1}],\n",
			geteuid(), getegid());
	else
		buf_adds(&text, resources);
	buf_addf(&text, namespaces, is_unified() ? "{\"type\": \"cgroup\"}, " : "",
		args->is_rootless ? "user" : "network");
	buf_adds(&text, tail);
	auto_close int dir = sys_open_at(AT_FDCWD, bundle, O_RDONLY | O_DIRECTORY, 0);
	int r = dir < 0 ? dir : file_create_at(dir, "config.json", text.data, text.len, 0666);
	if (r == -EEXIST)
		return err_say(r, "File config.json exists. Remove it first");
	return r < 0 ? err_new(r, "write %s/config.json", bundle) : 0;
}

const struct command runtime_cmd_spec = {
	.name = "spec",
	.summary = "write a config.json to begin with",
	.opts = spec_opts,
	.args_size = sizeof(struct spec_args),
	.run = spec_main,
};
