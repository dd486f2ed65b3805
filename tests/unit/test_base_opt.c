/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options and commands: every way to write them, every message, help, list, and the completion as
 * bash runs it.
 */
#include "base/opt.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct args {
	bool detach;
	bool quiet;
	const char *name;
	const char *mount;
	const char *old;
	struct strvec env;
	uint64_t memory;
	bool has_memory;
	bool map_root;
	const char *map_range;
};

static const struct opt opts[] = {
	OPT_FLAG('d', "detach", struct args, detach, "leave it running"),
	OPT_FLAG('q', "quiet", struct args, quiet, "say nothing"),
	OPT_STRING('n', "name", struct args, name, "NAME", "name of it"),
	OPT_OPTIONAL(0, "mount", struct args, mount, "FILE", "its mounts"),
	OPT_LIST('e', "env", struct args, env, "KEY=VALUE", "it's environment"),
	OPT_VALUE_SEEN('m', "memory", struct args, memory, has_memory, "SIZE", opt_parse_size,
		"a size such as 512k, 100m or 2g", "memory limit"),
	OPT_FLAG('r', "map-root-user", struct args, map_root, "map"),
	OPT_STRING(0, "map-range", struct args, map_range, "RANGE", "map"),
	OPT_HIDDEN(0, "old-name", struct args, old),
	OPT_END,
};

static int run_print(void *context, void *args, int argc, char **argv)
{
	struct buf *out = context;
	struct args *a = args;
	buf_addf(out, "%d %s %zu:", a->detach, a->name ? a->name : "-", a->env.count);
	for (int i = 0; i < argc; i++)
		buf_addf(out, " %s", argv[i]);
	assert_null(argv[argc]);
	return 7;
}

static const struct command cmd_run = {
	.name = "run",
	.synopsis = "IMAGE [ARG...]",
	.summary = "start a container",
	.flags = COMMAND_TAKES_PREFIXES,
	.min_args = 1,
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run_print,
};
static const struct command cmd_rm = {
	.name = "remove",
	.alias = "rm",
	.synopsis = "NAME...",
	.summary = "remove containers",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 2,
	.opts = opts,
	.args_size = sizeof(struct args),
	.run = run_print,
};
static const struct command cmd_info = {
	.name = "info",
	.summary = "tell about it",
	.args_size = sizeof(struct args),
	.run = run_print,
};
static const struct command cmd_secret = {
	.name = "secret",
	.flags = COMMAND_HIDDEN,
	.args_size = sizeof(struct args),
	.run = run_print,
};
static const struct command *const network_commands[] = {&cmd_rm, &cmd_info, NULL};
static const struct command cmd_network = {
	.name = "network", .summary = "networks", .sub = network_commands};
static const struct command *const root_commands[] = {
	&cmd_run, &cmd_rm, &cmd_network, &cmd_secret, NULL};
static const char *const planned[] = {"rup", NULL};
static const struct command root = {
	.name = "husk-x", .summary = "containers", .sub = root_commands, .planned = planned};

#define WORDS(...) ((char **)(const char *[]){__VA_ARGS__, NULL})
#define COUNT(...) ((int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)))
#define PARSE(c, a, first, ...) opt_parse_args(c, COUNT(__VA_ARGS__), WORDS(__VA_ARGS__), a, first)

static void test_forms(void **state)
{
	struct args a = {0};
	int first = -1;
	assert_int_equal(PARSE(&cmd_run, &a, &first, "-dqn", "web", "-eA=1", "-e", "B=2", "-e=C=3",
				 "--env=D=", "--env", "-E", "--mem", "1k", "--mount", "x", "-d"),
		0);
	assert_int_equal(first, 12);
	assert_true(a.detach && a.quiet && a.has_memory);
	assert_string_equal(a.name, "web");
	assert_string_equal(a.mount, "");
	assert_int_equal(a.memory, 1024);
	assert_int_equal(a.env.count, 5);
	assert_string_equal(a.env.items[0], "A=1");
	assert_string_equal(a.env.items[2], "C=3");
	assert_string_equal(a.env.items[3], "D=");
	assert_string_equal(a.env.items[4], "-E");
	opt_release(opts, &a);
	assert_null(a.env.items);

	a = (struct args){.quiet = true};
	assert_int_equal(PARSE(&cmd_run, &a, &first, "--detach=true", "--quiet=false", "--mount=f",
				 "--old-name=o", "--map-ro", "--", "-d"),
		0);
	assert_int_equal(first, 6);
	assert_true(a.detach && !a.quiet && a.map_root);
	assert_string_equal(a.mount, "f");
	assert_string_equal(a.old, "o");

	assert_int_equal(PARSE(&cmd_run, &a, &first, "-", "-d"), 0);
	assert_int_equal(first, 0);
}

static void test_mixed(void **state)
{
	struct args a = {0};
	int first;
	char **argv = WORDS("one", "-d", "two", "--name", "x", "--", "-q", "three");
	assert_int_equal(opt_parse_args(&cmd_rm, 8, argv, &a, &first), 0);
	assert_int_equal(first, 4);
	assert_string_equal(argv[4], "one");
	assert_string_equal(argv[5], "two");
	assert_string_equal(argv[6], "-q");
	assert_string_equal(argv[7], "three");
	assert_true(a.detach && !a.quiet);
}

static void test_parse_errors(void **state)
{
	static const struct {
		const char *word;
		const char *text;
	} cases[] = {
		{"--nmae", "unknown flag: --nmae; did you mean --name?"},
		{"--xyzzy", "unknown flag: --xyzzy"},
		{"--=x", "unknown flag: --"},
		{"--old", "unknown flag: --old"},
		{"--map-r", "ambiguous flag: --map-r (could be --map-root-user, --map-range)"},
		{"--name", "flag needs an argument: --name"},
		{"-dn", "flag needs an argument: 'n' in -dn"},
		{"-dx", "unknown shorthand flag: 'x' in -dx"},
		{"-h", "unknown shorthand flag: 'h' in -h"},
		{"--memory=abc", "--memory: \"abc\" is not a size such as 512k, 100m or 2g"},
		{"-m99999999p",
			"--memory: \"99999999p\" is out of range (expected a size such as 512k, "
			"100m or 2g)"},
		{"--detach=perhaps", "--detach: \"perhaps\" is not true or false"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct args a = {0};
		int first = -1;
		assert_int_equal(PARSE(&cmd_run, &a, &first, (char *)cases[i].word), -EINVAL);
		assert_string_equal(err_text(), cases[i].text);
		assert_int_equal(first, -1);
	}
	struct args a = {0};
	int first = -1;
	assert_int_equal(PARSE(&cmd_rm, &a, &first, "--quie"), -EINVAL);
	assert_string_equal(err_text(), "unknown flag: --quie; did you mean --quiet?");
}

static int code; /* exit code of the last command_main that failed */

static int call(struct buf *out, int argc, char **argv)
{
	buf_clear(out);
	return command_main(&root, out, argc, argv, out, &code);
}
#define CALL(out, ...) call(out, COUNT(__VA_ARGS__), WORDS(__VA_ARGS__))

static void test_main_runs(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	assert_int_equal(CALL(&out, "husk-x", "run", "-d", "-eA=1", "alpine", "ls", "-l"), 7);
	assert_string_equal(out.data, "1 - 1: alpine ls -l");
	assert_int_equal(CALL(&out, "husk-x", "network", "rm", "a", "--name=n", "b"), 7);
	assert_string_equal(out.data, "0 n 0: a b");
	assert_int_equal(CALL(&out, "husk-x", "secret"), 7);
	assert_int_equal(CALL(&out, "husk-x", "run", "alpine", "--help"), 7);
	assert_string_equal(out.data, "0 - 0: alpine --help");
}

static void test_help_word(void **state)
{
	auto_buf struct buf word = BUF_INIT, flag = BUF_INIT;
	assert_int_equal(CALL(&word, "husk-x", "help"), 0);
	assert_int_equal(CALL(&flag, "husk-x", "--help"), 0);
	assert_string_equal(word.data, flag.data);
	assert_int_equal(CALL(&word, "husk-x", "help", "network", "rm"), 0);
	assert_int_equal(CALL(&flag, "husk-x", "network", "rm", "--help"), 0);
	assert_string_equal(word.data, flag.data);
	assert_int_equal(CALL(&word, "husk-x", "run", "help"), 7);
	assert_string_equal(word.data, "0 - 0: help");
}

static void check_refused(const char *text, int argc, char **argv)
{
	auto_buf struct buf out = BUF_INIT;
	assert_int_equal(call(&out, argc, argv), -EINVAL);
	assert_string_equal(err_text(), text);
	assert_string_equal(out.data, "");
}
#define REFUSED(text, ...) check_refused(text, COUNT(__VA_ARGS__), WORDS(__VA_ARGS__))

static void test_main_refuses(void **state)
{
	REFUSED("husk-x: unknown command: rnu; did you mean run?", "husk-x", "rnu");
	REFUSED("husk-x: unknown command: secre", "husk-x", "secre");
	REFUSED("husk-x: unknown command: rnu; did you mean run?", "husk-x", "help", "rnu");
	REFUSED("husk-x: rup is planned and not there yet", "husk-x", "rup");
	REFUSED("husk-x: unknown flag: --root", "husk-x", "--root", "run");
	REFUSED("husk-x network: unknown command: create", "husk-x", "network", "create");
	REFUSED("husk-x run: requires at least 1 argument: IMAGE [ARG...]", "husk-x", "run");
	REFUSED("husk-x remove: takes at most 2 arguments: NAME...", "husk-x", "rm", "a", "b", "c");
	REFUSED("husk-x network info: takes no arguments", "husk-x", "network", "info", "x");
	REFUSED("husk-x run: --memory: \"abc\" is not a size such as 512k, 100m or 2g", "husk-x",
		"run", "-e", "A", "--memory", "abc", "alpine");
}

/* A program with options before the command, like an OCI runtime. */
struct global {
	const char *root_dir;
	bool has_run;
};

static const struct opt global_opts[] = {
	OPT_STRING(0, "root", struct global, root_dir, "DIR", "where the state is"),
	OPT_END,
};

static int run_global(void *context, void *args, int argc, char **argv)
{
	struct global *g = context;
	g->has_run = true;
	return 0;
}

static void test_group_options(void **state)
{
	static const struct command cmd_go = {.name = "go", .run = run_global};
	static const struct command *const commands[] = {&cmd_go, NULL};
	static const struct command group = {.name = "g", .opts = global_opts, .sub = commands};
	auto_buf struct buf out = BUF_INIT;
	struct global g = {0};
	assert_int_equal(
		command_main(&group, &g, 4, WORDS("g", "--root", "/run/x", "go"), &out, &code), 0);
	assert_true(g.has_run);
	assert_string_equal(g.root_dir, "/run/x");
	assert_int_equal(
		command_main(&group, &g, 3, WORDS("g", "--rot", "go"), &out, &code), -EINVAL);
	assert_string_equal(err_text(), "g: unknown flag: --rot; did you mean --root?");
	assert_int_equal(code, COMMAND_MISUSED);
}

static int run_failing(void *context, void *args, int argc, char **argv)
{
	return err_say(-EBUSY, "no");
}

/* Misuse is 125. A command's own failure is 1, or 125 if its codes are those of a program. */
static void test_error_codes(void **state)
{
	static const struct command cmd_do = {.name = "do", .run = run_failing};
	static const struct command cmd_run_it = {
		.name = "run", .run = run_failing, .flags = COMMAND_RUNS_PROGRAM};
	static const struct command *const commands[] = {&cmd_do, &cmd_run_it, NULL};
	static const struct command group = {.name = "g", .sub = commands};
	auto_buf struct buf out = BUF_INIT;
	assert_int_equal(command_main(&group, NULL, 2, WORDS("g", "do"), &out, &code), -EBUSY);
	assert_int_equal(code, COMMAND_FAILED);
	assert_int_equal(command_main(&group, NULL, 2, WORDS("g", "run"), &out, &code), -EBUSY);
	assert_int_equal(code, COMMAND_MISUSED);
	assert_int_equal(
		command_main(&group, NULL, 3, WORDS("g", "do", "more"), &out, &code), -EINVAL);
	assert_int_equal(code, COMMAND_MISUSED);
	assert_int_equal(command_main(&group, NULL, 2, WORDS("g", "od"), &out, &code), -EINVAL);
	assert_int_equal(code, COMMAND_MISUSED);
}

static void test_help(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	assert_int_equal(CALL(&out, "husk-x", "run", "--he"), 0);
	assert_string_equal(out.data,
		"Usage: husk-x run [OPTIONS] IMAGE [ARG...]\n\n"
		"Start a container\n\n"
		"Options:\n"
		"  -d, --detach            leave it running\n"
		"  -q, --quiet             say nothing\n"
		"  -n, --name NAME         name of it\n"
		"      --mount[=FILE]      its mounts\n"
		"  -e, --env KEY=VALUE     it's environment\n"
		"  -m, --memory SIZE       memory limit\n"
		"  -r, --map-root-user     map\n"
		"      --map-range RANGE   map\n"
		"  -h, --help              show this help\n");
	const char *group_help = "Usage: husk-x network [OPTIONS] COMMAND\n\n"
				 "Networks\n\n"
				 "Commands:\n"
				 "  remove    remove containers\n"
				 "  info      tell about it\n\n"
				 "Options:\n"
				 "  -h, --help   show this help\n\n"
				 "More about a command: husk-x network COMMAND --help\n";
	assert_int_equal(CALL(&out, "husk-x", "network"), 0);
	assert_string_equal(out.data, group_help);
	assert_int_equal(CALL(&out, "husk-x", "network", "-h"), 0);
	assert_string_equal(out.data, group_help);
	assert_int_equal(CALL(&out, "husk-x"), 0);
	assert_null(strstr(out.data, "secret"));
}

static void test_help_letter_taken(void **state)
{
	static const struct opt host_opts[] = {
		OPT_STRING('h', "hostname", struct args, name, "NAME", "name of the host"),
		OPT_END,
	};
	static const struct command cmd = {
		.name = "c", .opts = host_opts, .args_size = sizeof(struct args), .run = run_print};
	auto_buf struct buf out = BUF_INIT;
	assert_int_equal(command_main(&cmd, &out, 3, WORDS("c", "-h", "web"), &out, &code), 7);
	assert_string_equal(out.data, "0 web 0:");
	buf_clear(&out);
	assert_int_equal(command_main(&cmd, &out, 2, WORDS("c", "--help"), &out, &code), 0);
	assert_non_null(strstr(out.data, "\n      --help "));
}

static void test_list(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	command_list(&root, &out);
	assert_non_null(strstr(out.data, "husk-x run\t\tIMAGE [ARG...]\tstart a container\t\n"));
	assert_non_null(strstr(out.data, "\nhusk-x run\t--memory\tSIZE\tmemory limit\t-m\n"));
	assert_non_null(
		strstr(out.data, "\nhusk-x network remove\t--mount\t[FILE]\tits mounts\t\n"));
	assert_null(strstr(out.data, "secret"));
	assert_null(strstr(out.data, "old-name"));
}

/* Sources the script in bash, calls its function, and compares what bash offers. */
static void bash_offers(const char *words, const char *expected)
{
	auto_buf struct buf command = BUF_INIT;
	assert_int_equal(command_completion(&root, "bash", &command), 0);
	buf_addf(&command,
		"COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _husk_x; "
		"echo \"${COMPREPLY[*]}\"\n",
		words);
	char path[] = "/tmp/husk-completion-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	FILE *script = fdopen(fd, "w");
	assert_non_null(script);
	assert_int_equal(fwrite(command.data, 1, command.len, script), command.len);
	fclose(script);

	auto_free char *shell = mem_printf("bash --norc %s 2>&1", path);
	FILE *pipe = (popen)(shell, "r");
	char line[512] = "";
	assert_non_null(pipe);
	char *got = fgets(line, sizeof(line), pipe);
	assert_int_equal(pclose(pipe), 0);
	assert_non_null(got);
	assert_int_equal(remove(path), 0);
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(line, expected);
}

static void test_bash_completion(void **state)
{
	bash_offers("husk-x ''", "run remove network");
	bash_offers("husk-x r", "run remove");
	bash_offers("husk-x network ''", "remove info");
	bash_offers("husk-x network -", "--help");
	bash_offers("husk-x run --ma", "--map-root-user --map-range");
	bash_offers("husk-x run --name x --de", "--detach");
	bash_offers("husk-x run --name = x --de", "--detach");
	bash_offers("husk-x run --name --de", "");
	bash_offers("husk-x run alpine --de", "");
	bash_offers("husk-x rm one --de", "--detach");
}

static void test_completion_scripts(void **state)
{
	auto_buf struct buf out = BUF_INIT;
	assert_int_equal(command_completion(&root, "zsh", &out), 0);
	assert_non_null(strstr(out.data, "'--env:it'\\''s environment'"));
	assert_null(strstr(out.data, "secret"));
	buf_clear(&out);
	assert_int_equal(command_completion(&root, "fish", &out), 0);
	assert_non_null(strstr(out.data, "-l memory -s m -r\n"));
	assert_null(strstr(out.data, "old-name"));
	assert_int_equal(command_completion(&root, "tcsh", &out), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_main_runs),
		cmocka_unit_test(test_help_word),
		cmocka_unit_test(test_main_refuses),
		cmocka_unit_test(test_group_options),
		cmocka_unit_test(test_error_codes),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_letter_taken),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_bash_completion),
		cmocka_unit_test(test_completion_scripts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
