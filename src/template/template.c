/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a template. Every evaluation counts as a step, and every value is in the run's arena.
 * Steps and memory are bounded, so that no template, however nested, runs long or grows large.
 */
#include "template/template.h"
#include "template/tree.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>

struct variable {
	const char *name;
	struct value value;
};

/* How a list of nodes ended. */
enum jump { JUMP_NONE, JUMP_BREAK, JUMP_CONTINUE };

static int eval_pipeline(struct template_run *run, const struct pipeline *p,
	const struct value *dot, struct value *out);

static int fail_at(const struct template_run *run, size_t position, int code, const char *words)
{
	return template_err(run->template->text, position, code, "%s", words);
}

static int count_step(struct template_run *run, size_t position)
{
	if (run->steps++ >= TEMPLATE_STEPS_MAX)
		return fail_at(run, position, -EFBIG, "this takes too many steps");
	if (run->arena.total_bytes > TEMPLATE_MEMORY_MAX)
		return fail_at(run, position, -EFBIG, "this takes too much memory");
	if (run->out->len - run->out_start > TEMPLATE_OUTPUT_MAX)
		return fail_at(run, position, -EFBIG, "the result is too long");
	return 0;
}

static struct variable *find_variable(struct template_run *run, const char *name)
{
	for (size_t i = run->variables_count; i-- > 0;)
		if (str_eq(run->variables[i].name, name))
			return &run->variables[i];
	BUG("variable %s got past the parser", name);
}

static void set_variable(
	struct template_run *run, const char *name, const struct value *value, bool is_assignment)
{
	if (is_assignment) {
		find_variable(run, name)->value = *value;
		return;
	}
	if (run->variables_count == run->variables_room) {
		run->variables_room = run->variables_room ? run->variables_room * 2 : 16;
		run->variables = mem_resize(
			run->variables, run->variables_room, sizeof(*run->variables));
	}
	run->variables[run->variables_count++] = (struct variable){.name = name, .value = *value};
}

static int no_field(const struct template_run *run, const struct term *term, const struct value *v,
	const char *name)
{
	if (v->kind != VALUE_MAP)
		return template_err(run->template->text, term->position, -EINVAL,
			"no field \"%s\": this is %s", name, value_type(v));
	const char *nearest = str_nearest(name, v->keys, v->count);
	return template_err(run->template->text, term->position, -EINVAL, "no field \"%s\"%s%s%s",
		name, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		nearest ? "\"?" : "");
}

static int follow_fields(const struct template_run *run, const struct term *term, struct value *v)
{
	for (size_t i = 0; i < term->fields.count && v->kind != VALUE_NONE; i++) {
		const struct value *field = v->kind == VALUE_MAP
			? value_get(v, term->fields.items[i])
			: NULL;
		if (!field && (v->kind != VALUE_MAP || v->is_struct))
			return no_field(run, term, v, term->fields.items[i]);
		*v = field ? *field : (struct value){.kind = VALUE_NONE};
	}
	return 0;
}

/* Evaluates a term that is no call with arguments. */
static int eval_term(struct template_run *run, const struct term *term, const struct value *dot,
	struct value *out)
{
	int r = count_step(run, term->position);
	switch (r < 0 ? TERM_DOT : term->kind) {
	case TERM_DOT:
		*out = *dot;
		break;
	case TERM_VARIABLE:
		*out = find_variable(run, term->name)->value;
		break;
	case TERM_LITERAL:
		*out = term->literal;
		break;
	case TERM_PIPELINE:
		r = eval_pipeline(run, term->pipeline, dot, out);
		break;
	case TERM_FUNCTION: {
		/* A pipeline of one name, as `println`. */
		struct term bare = *term;
		struct command_terms command = {.items = &bare, .count = 1};
		struct pipeline alone = {.position = term->position, .items = &command, .count = 1};
		r = eval_pipeline(run, &alone, dot, out);
		break;
	}
	}
	return r < 0 ? r : follow_fields(run, term, out);
}

/* and, or: the first operand that decides the result, else the last one. Operands after it are not
 * evaluated. */
static int eval_logic(struct template_run *run, const struct command_terms *c,
	const struct value *dot, const struct value *last, struct value *out)
{
	bool is_or = str_eq(c->items[0].name, "or");
	for (size_t i = 1; i < c->count; i++) {
		int r = eval_term(run, &c->items[i], dot, out);
		if (r < 0 || value_is_true(out) == is_or)
			return r;
	}
	if (last)
		*out = *last;
	else if (c->count < 2)
		return template_err(run->template->text, c->items[0].position, -EINVAL,
			"%s: expected an argument", c->items[0].name);
	return 0;
}

static int call(struct template_run *run, const struct term *term, const struct value *args,
	size_t count, struct value *out)
{
	const struct template_function *f = template_function_find(term->name);
	if (count < f->min_args || count > f->max_args)
		return template_err(run->template->text, term->position, -EINVAL,
			"%s: expected %s%zu argument%s, found %zu", f->name,
			f->min_args == f->max_args    ? ""
				: count < f->min_args ? "at least "
						      : "at most ",
			count < f->min_args ? f->min_args : f->max_args,
			(count < f->min_args ? f->min_args : f->max_args) == 1 ? "" : "s", count);
	if (run->is_head && f->is_text_change) {
		/* pad, join, ...: the text is the first argument, for truncate and split too. */
		*out = args[0];
		return 0;
	}
	int r = f->call(run, args, count, out);
	if (r < 0) {
		auto_free char *words = mem_strdup(err_text());
		return template_err(
			run->template->text, term->position, r, "%s: %s", f->name, words);
	}
	return count_step(run, term->position);
}

static int eval_command(struct template_run *run, const struct command_terms *c,
	const struct value *dot, const struct value *last, struct value *out)
{
	const struct term *head = &c->items[0];
	bool is_call = head->kind == TERM_FUNCTION && head->fields.count == 0;
	if (!is_call) {
		if (c->count > 1)
			return fail_at(run, c->items[1].position, -EINVAL,
				"expected no argument: only functions take arguments");
		return eval_term(run, head, dot, out);
	}
	if (str_eq(head->name, "and") || str_eq(head->name, "or"))
		return eval_logic(run, c, dot, last, out);
	size_t count = c->count - 1 + (last ? 1 : 0);
	struct value *args = arena_new_array(&run->arena, struct value, count);
	for (size_t i = 1; i < c->count; i++) {
		int r = eval_term(run, &c->items[i], dot, &args[i - 1]);
		if (r < 0)
			return r;
	}
	if (last)
		args[count - 1] = *last;
	return call(run, head, args, count, out);
}

static int eval_pipeline(struct template_run *run, const struct pipeline *p,
	const struct value *dot, struct value *out)
{
	struct value last = {.kind = VALUE_NONE};
	for (size_t i = 0; i < p->count; i++) {
		struct value result = {.kind = VALUE_NONE};
		int r = count_step(run, p->position);
		if (r == 0)
			r = eval_command(run, &p->items[i], dot, i > 0 ? &last : NULL, &result);
		if (r < 0)
			return r;
		last = result;
	}
	*out = last;
	return 0;
}

static int run_list(struct template_run *run, const struct node_list *list, const struct value *dot,
	enum jump *jump);

static int run_scope(struct template_run *run, const struct node_list *list,
	const struct value *dot, enum jump *jump)
{
	size_t visible = run->variables_count;
	int r = run_list(run, list, dot, jump);
	run->variables_count = visible;
	return r;
}

/* One round of a range: with one variable it is the item, with two the key and the item. */
static int run_round(struct template_run *run, const struct node *node, const struct value *key,
	const struct value *item, enum jump *jump)
{
	const struct pipeline *p = node->pipeline;
	size_t visible = run->variables_count;
	if (p->variables[1])
		set_variable(run, p->variables[1], item, p->is_assignment);
	if (p->variables[0])
		set_variable(run, p->variables[0], p->variables[1] ? key : item, p->is_assignment);
	int r = count_step(run, p->position);
	if (r == 0)
		r = run_list(run, &node->body, item, jump);
	run->variables_count = visible;
	if (*jump == JUMP_CONTINUE)
		*jump = JUMP_NONE;
	return r;
}

static int run_range(
	struct template_run *run, const struct node *node, const struct value *dot, enum jump *jump)
{
	struct value over;
	int r = eval_pipeline(run, node->pipeline, dot, &over);
	if (r < 0)
		return r;
	bool is_number = over.kind == VALUE_INTEGER;
	if (!is_number && over.kind != VALUE_LIST && over.kind != VALUE_MAP &&
		over.kind != VALUE_NULL && over.kind != VALUE_NONE)
		return template_err(run->template->text, node->pipeline->position, -EINVAL,
			"range: expected a list, a map or a whole number, found %s",
			value_type(&over));
	int64_t rounds = is_number ? over.integer : (int64_t)over.count;
	if (rounds <= 0)
		return run_scope(run, &node->otherwise, dot, jump);
	for (int64_t i = 0; i < rounds && r == 0 && *jump == JUMP_NONE; i++) {
		struct value number = value_integer(i);
		struct value key = over.kind == VALUE_MAP ? value_string(over.keys[i]) : number;
		r = run_round(run, node, &key, is_number ? &number : &over.items[i], jump);
	}
	if (*jump == JUMP_BREAK)
		*jump = JUMP_NONE;
	return r;
}

static int run_condition(
	struct template_run *run, const struct node *node, const struct value *dot, enum jump *jump)
{
	struct value condition;
	size_t visible = run->variables_count;
	const struct pipeline *p = node->pipeline;
	int r = eval_pipeline(run, p, dot, &condition);
	if (r < 0)
		return r;
	if (p->variables[0])
		set_variable(run, p->variables[0], &condition, p->is_assignment);
	bool is_true = value_is_true(&condition);
	r = run_list(run, is_true ? &node->body : &node->otherwise,
		is_true && node->kind == NODE_WITH ? &condition : dot, jump);
	run->variables_count = visible;
	return r;
}

static void print_escaped(struct template_run *run, const struct value *value)
{
	auto_buf struct buf text = BUF_INIT;
	if (run->escape == TEMPLATE_RAW) {
		value_print(value, run->out);
		return;
	}
	value_print(value, &text);
	if (run->escape == TEMPLATE_CELLS)
		buf_add_escaped(run->out, text.data);
	else
		buf_add_escaped_lines(run->out, text.data);
}

static int run_action(struct template_run *run, const struct pipeline *p, const struct value *dot)
{
	struct value value;
	int r = eval_pipeline(run, p, dot, &value);
	if (r < 0)
		return r;
	if (p->variables[0])
		set_variable(run, p->variables[0], &value, p->is_assignment);
	else
		print_escaped(run, &value);
	return count_step(run, p->position);
}

static int run_list(struct template_run *run, const struct node_list *list, const struct value *dot,
	enum jump *jump)
{
	int r = 0;
	for (size_t i = 0; i < list->count && r == 0 && *jump == JUMP_NONE; i++) {
		const struct node *node = &list->items[i];
		switch (node->kind) {
		case NODE_TEXT:
			buf_adds(run->out, node->text);
			break;
		case NODE_ACTION:
			r = run_action(run, node->pipeline, dot);
			break;
		case NODE_IF:
		case NODE_WITH:
			r = run_condition(run, node, dot, jump);
			break;
		case NODE_RANGE:
			r = run_range(run, node, dot, jump);
			break;
		case NODE_BREAK:
			*jump = JUMP_BREAK;
			break;
		case NODE_CONTINUE:
			*jump = JUMP_CONTINUE;
			break;
		}
	}
	return r;
}

static int execute(const struct template *t, const struct json *document,
	enum template_escape escape, bool is_head, struct buf *out)
{
	struct template_run run = {.template = t,
		.out = out,
		.out_start = out->len,
		.escape = escape,
		.is_head = is_head};
	struct json_cursor root = json_root(document);
	struct value dot = value_from_json(&root, &run.arena);
	set_variable(&run, "$", &dot, false);
	enum jump jump = JUMP_NONE;
	int r = run_list(&run, &t->nodes, &dot, &jump);
	free(run.variables);
	arena_release(&run.arena);
	return r;
}

int template_execute(const struct template *t, const struct json *document,
	enum template_escape escape, struct buf *out)
{
	return execute(t, document, escape, false, out);
}

int template_execute_heads(const struct template *t, const struct json *document, struct buf *out)
{
	return execute(t, document, TEMPLATE_RAW, true, out);
}

void template_free(struct template *t)
{
	if (!t)
		return;
	arena_release(&t->arena);
	free(t);
}
