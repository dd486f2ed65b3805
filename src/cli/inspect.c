/* SPDX-License-Identifier: Apache-2.0 */
/* `husk inspect`, and what all inspect commands share: documents in an array, or each through a
 * template. */
#include "cli/internal.h"
#include "base/str.h"
#include "sys/term.h"

#include <unistd.h>

/* Prints one document through the template. */
static int print_by(const struct template *t, const struct buf *text)
{
	auto_of(json) struct json *document = NULL;
	auto_buf struct buf out = BUF_INIT;
	int r = json_parse("inspect", text->data, text->len, &document);
	if (r == 0)
		r = template_execute(
			t, document, term_is(STDOUT_FILENO) ? TEMPLATE_LINES : TEMPLATE_RAW, &out);
	if (r == 0)
		printf("%s\n", out.data);
	return r;
}

const struct opt cli_format_opts[] = {
	OPT_STRING('f', "format", struct cli_format_args, format, "TEMPLATE",
		"print by a Go template, or \"json\""),
	OPT_END,
};

void cli_print_lines(const struct strvec *lines)
{
	strvec_each (line, lines) {
		auto_buf struct buf shown = BUF_INIT;
		buf_add_escaped(&shown, *line);
		printf("%s\n", shown.data);
	}
	fflush(stdout); /* an error message must come after this */
}

int cli_print_document(const char *format, const struct buf *document)
{
	auto_of(template) struct template *t = NULL;
	int r = template_parse(str_eq(format, "json") ? "{{json .}}" : format, &t);
	return r < 0 ? r : print_by(t, document);
}

int cli_inspect(void *context, const char *format, int argc, char **argv,
	int (*show)(struct engine *e, const char *name, struct buf *out))
{
	auto_of(engine) struct engine e;
	auto_of(template) struct template *t = NULL;
	int r = cli_engine_open(context, &e);
	if (r == 0 && !cli_format_is_none(format))
		r = template_parse(str_eq(format, "json") ? "{{json .}}" : format, &t);
	if (r < 0)
		return r;
	auto_buf struct buf all = BUF_INIT;
	int worst = 0;
	for (int i = 0; i < argc; i++) {
		auto_buf struct buf one = BUF_INIT;
		r = show(&e, argv[i], &one);
		if (r == 0 && t)
			r = print_by(t, &one);
		if (r < 0) {
			cli_print_error();
			worst = 1;
			continue;
		}
		buf_addf(&all, "%s%s", all.len ? ",\n" : "", one.data);
	}
	if (!t) {
		auto_buf struct buf shown = BUF_INIT;
		if (term_is(STDOUT_FILENO))
			buf_add_escaped_lines(&shown, all.data);
		else
			buf_adds(&shown, all.data);
		printf(all.len ? "[\n%s\n]\n" : "[%s]\n", shown.data);
	}
	return worst;
}

static int container_show(struct engine *e, const char *name, struct buf *out)
{
	char id[CONTAINER_ID_LEN + 1];
	int r = container_find(e, name, id);
	return r < 0 ? r : container_inspect(e, id, out);
}

static int inspect_main(void *context, void *raw, int argc, char **argv)
{
	const struct cli_format_args *args = raw;
	return cli_inspect(context, args->format, argc, argv, container_show);
}

const struct command cmd_inspect = {
	.name = "inspect",
	.synopsis = "CONTAINER...",
	.summary = "show everything about containers, as JSON",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.opts = cli_format_opts,
	.args_size = sizeof(struct cli_format_args),
	.run = inspect_main,
};
