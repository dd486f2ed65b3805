/* SPDX-License-Identifier: Apache-2.0 */
/* Login to a registry, and logout. */
#include "base/str.h"
#include "image/credentials.h"
#include "image/internal.h"
#include "image/worker.h"
#include "sys/fd.h"

#include <errno.h>

/* "https://host:port/v1/"; an empty text means docker.io. */
static int server_take(const char *text, struct arena *a, const char **out)
{
	const char *rest = str_after(text, "https://");
	if (!rest)
		rest = str_after(text, "http://");
	if (!rest)
		rest = text;
	const char *host = arena_strn(a, rest, strcspn(rest, "/"));
	*out = *host == '\0' || str_eq(host, "index.docker.io") ? "docker.io" : host;
	if (reference_domain_is_valid(*out))
		return 0;
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, text);
	return err_say(-EINVAL, "\"%.300s\" is not the name of a registry", shown.data);
}

static int login_try(const char *libexec_path, struct arena *a, const struct fetch_request *request)
{
	auto_close int fd = fetch_request_write(request);
	return fd < 0 ? fd
		      : worker_run(&(struct worker_call){
				.libexec_path = libexec_path,
				.argv = (const char *const[]){"husk-fetch", "login", NULL},
				.env = fetch_environment(a),
				.file_fd = fd,
				.root_fd = -EBADF,
				.board_fd = -EBADF,
			});
}

int image_login(const struct image_login *login, struct arena *a, const char **out_where)
{
	struct fetch_request request = {.user = login->user,
		.secret = login->secret,
		.is_unverified = login->is_unverified};
	int r = server_take(login->server, a, &request.domain);
	if (r == 0 && (*login->user == '\0' || strpbrk(login->user, ":\r\n")))
		r = err_say(-EINVAL, "a user's name is not empty and has no colon");
	if (r == 0)
		r = login_try(login->libexec_path, a, &request);
	return r < 0 ? r : credentials_store(a, &request, out_where);
}

int image_logout(const char *server)
{
	auto_arena struct arena a = ARENA_INIT;
	const char *domain;
	int r = server_take(server, &a, &domain);
	return r < 0 ? r : credentials_erase(&a, domain);
}
