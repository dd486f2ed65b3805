/* SPDX-License-Identifier: Apache-2.0 */
/* `husk info` and `husk version`. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "image/image.h"
#include "sys/process.h"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct info {
	size_t containers, running, images;
	struct utsname host;
};

static int info_load(struct engine *e, struct info *out)
{
	auto_of(container_list) struct container_list list = {0};
	auto_arena struct arena a = ARENA_INIT;
	struct image_list images;
	int r = container_list(e, &list);
	if (r == 0)
		r = image_list(e->root_fd, &a, &images);
	if (r < 0)
		return r;
	*out = (struct info){.containers = list.count};
	for (size_t i = 0; i < images.count; i++)
		out->images += !images.items[i].is_double;
	for (size_t i = 0; i < list.count; i++) {
		struct summary summary;
		out->running += container_summary(e, list.ids[i], &summary) == 0 &&
			summary.state == CONTAINER_RUNNING;
	}
	uname(&out->host);
	return 0;
}

/* What the user should know about this machine. */
static void warnings_list(const struct engine *e, struct strvec *out)
{
	auto_buf struct buf text = BUF_INIT;
	buf_addf(&text,
		"cgroup hierarchies that are mounted nowhere here, so nothing is limited or "
		"counted by them: %s",
		e->cgroup.unreachable);
	if (*e->cgroup.unreachable)
		strvec_push(out, text.data);
}

/* With Docker's names, where Docker has them. */
static void info_put(const struct engine *e, const struct info *info, struct buf *out)
{
	struct json_writer w = {.out = out};
	auto_strvec struct strvec warnings = STRVEC_INIT;
	warnings_list(e, &warnings);
	json_open_object(&w, NULL);
	json_put_u64(&w, "Containers", info->containers);
	json_put_u64(&w, "ContainersRunning", info->running);
	json_put_u64(&w, "ContainersPaused", 0);
	json_put_u64(&w, "ContainersStopped", info->containers - info->running);
	json_put_u64(&w, "Images", info->images);
	json_put_string(&w, "Driver", "overlay");
	json_put_string(&w, "CgroupDriver", "cgroupfs");
	json_put_string(&w, "CgroupVersion", e->cgroup.is_unified ? "2" : "1");
	json_put_string(&w, "CgroupControllers", e->cgroup.controllers);
	json_put_string(&w, "KernelVersion", info->host.release);
	json_put_string(&w, "OSType", "linux");
	json_put_string(&w, "Architecture", info->host.machine);
	json_put_i64(&w, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
	json_put_string(&w, "Name", info->host.nodename);
	json_put_string(&w, "DockerRootDir", e->root_path);
	json_put_string(&w, "StateDir", e->state_path);
	json_put_string(&w, "Instance", e->instance);
	json_put_string(&w, "ServerVersion", HUSK_VERSION);
	json_open_array(&w, "Warnings");
	for (size_t i = 0; i < warnings.count; i++)
		json_put_string(&w, NULL, warnings.items[i]);
	json_close_array(&w);
	json_close_object(&w);
}

static void info_print(const struct engine *e, const struct info *info)
{
	auto_strvec struct strvec warnings = STRVEC_INIT;
	warnings_list(e, &warnings);
	printf("Containers: %zu\n Running: %zu\n Stopped: %zu\nImages: %zu\n", info->containers,
		info->running, info->containers - info->running, info->images);
	printf("Server Version: %s\nStorage Driver: overlay\n", HUSK_VERSION);
	printf("Cgroup Driver: cgroupfs\nCgroup Version: %d\nCgroup Controllers: %s\n",
		e->cgroup.is_unified ? 2 : 1, e->cgroup.controllers);
	printf("Kernel Version: %s\nArchitecture: %s\n", info->host.release, info->host.machine);
	printf("Husk Root Dir: %s\nHusk State Dir: %s\nInstance: %s\n", e->root_path, e->state_path,
		e->instance);
	for (size_t i = 0; i < warnings.count; i++)
		printf("WARNING: %s\n", warnings.items[i]);
}

static int info_main(void *context, void *raw, int argc, char **argv)
{
	const struct cli_format_args *args = raw;
	auto_of(engine) struct engine e;
	auto_buf struct buf document = BUF_INIT;
	struct info info;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = info_load(&e, &info);
	if (r < 0)
		return r;
	if (cli_format_is_none(args->format)) {
		info_print(&e, &info);
		return 0;
	}
	info_put(&e, &info, &document);
	return cli_print_document(args->format, &document);
}

const struct command cmd_info = {
	.name = "info",
	.summary = "show what this machine and this instance of husk have",
	.opts = cli_format_opts,
	.args_size = sizeof(struct cli_format_args),
	.run = info_main,
};

/* There is no server, so this program reports itself as both halves. */
void cli_print_version(void)
{
	printf("husk version %s\n", HUSK_VERSION);
}

static int version_main(void *context, void *raw, int argc, char **argv)
{
	static const char *const halves[] = {"Client", "Server"};
	const struct cli_format_args *args = raw;
	auto_buf struct buf document = BUF_INIT;
	struct json_writer w = {.out = &document};
	struct utsname host;
	if (cli_format_is_none(args->format)) {
		cli_print_version();
		return 0;
	}
	uname(&host);
	json_open_object(&w, NULL);
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		json_open_object(&w, halves[i]);
		json_put_string(&w, "Version", HUSK_VERSION);
		json_put_string(&w, "Os", "linux");
		json_put_string(&w, "Arch", host.machine);
		json_put_string(&w, "KernelVersion", host.release);
		json_close_object(&w);
	}
	json_close_object(&w);
	return cli_print_document(args->format, &document);
}

const struct command cmd_version = {
	.name = "version",
	.summary = "show the version",
	.opts = cli_format_opts,
	.args_size = sizeof(struct cli_format_args),
	.run = version_main,
};
