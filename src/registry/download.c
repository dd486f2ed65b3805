/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads blobs of a registry into files, several at once. What has arrived is kept when a
 * transfer breaks off, and the next try requests the rest. If the registry then sends the whole
 * blob, it is written again from the first byte.
 */
#include "base/str.h"
#include "registry/internal.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/process.h"

#include <errno.h>

enum { PARALLEL_MAX = 6, WAIT_MS = 1000 };

struct download;
struct transfer {
	struct download *download;
	struct exchange exchange;
	struct registry_blob *blob; /* NULL: the place is free */
	bool is_running, is_answered;
	uint64_t again_at_ms, had_bytes;
	char what[96];
};

struct download {
	struct registry *registry;
	CURLM *multi;
	int (*grown)(void *context, const struct registry_blob *blob);
	void *context;
	struct transfer places[PARALLEL_MAX];
};

static void transfer_stop(struct transfer *t)
{
	if (t->is_running)
		curl_multi_remove_handle(t->download->multi, t->exchange.easy);
	t->is_running = false;
}

static void download_end(struct download *d)
{
	for (size_t i = 0; i < PARALLEL_MAX; i++) {
		transfer_stop(&d->places[i]);
		exchange_end(&d->places[i].exchange);
	}
	curl_multi_cleanup(d->multi);
}
AUTO_STRUCT(download, struct download, download_end)

/* Checks where the answer begins in the blob: where the last one ended, or at the first byte. */
static int answer_begin(struct transfer *t, long status)
{
	struct curl_header *header;
	uint64_t at;
	t->is_answered = true;
	if (status == 200) {
		t->blob->have_bytes = 0;
		return 0;
	}
	if (curl_easy_header(t->exchange.easy, "Content-Range", 0, CURLH_HEADER, -1, &header))
		return err_say(-EPROTO, "%s: a part without a range", t->what);
	auto_free char *range = mem_strdup(header->value);
	char *rest = range;
	const char *unit = str_cut(&rest, ' ');
	const char *first = rest ? str_cut(&rest, '-') : NULL;
	if (!first || !str_eq(unit, "bytes") || parse_u64(first, &at) < 0 ||
		at != t->blob->have_bytes)
		return err_say(
			-EPROTO, "%s: another part than the one that was asked for", t->what);
	return 0;
}

static int answer_write(struct transfer *t, const char *data, size_t size)
{
	struct registry_blob *blob = t->blob;
	if (size > blob->size_bytes - blob->have_bytes)
		return err_say(-EBADMSG,
			"%s: it has more than the %llu bytes that its manifest says", t->what,
			(unsigned long long)blob->size_bytes);
	while (size > 0) {
		ssize_t count = sys_write_at(blob->fd, data, size, blob->have_bytes);
		if (count <= 0)
			return err_new(count < 0 ? (int)count : -EIO, "keep %s", t->what);
		blob->have_bytes += (uint64_t)count;
		data += count;
		size -= (size_t)count;
	}
	return t->download->grown(t->download->context, blob);
}

static size_t answer_take(char *data, size_t size, size_t count, void *context)
{
	struct transfer *t = context;
	long status = 0;
	curl_easy_getinfo(t->exchange.easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 && status != 206)
		return exchange_keep(data, size, count, &t->exchange);
	int r = t->is_answered ? 0 : answer_begin(t, status);
	if (r == 0)
		r = answer_write(t, data, count);
	t->exchange.failure = r;
	return r < 0 ? 0 : count;
}

static int transfer_start(struct transfer *t)
{
	auto_buf struct buf tail = BUF_INIT;
	struct exchange *x = &t->exchange;
	buf_addf(&tail, "blobs/sha256:%s", t->blob->hex);
	int r = exchange_begin(x, tail.data, NULL);
	if (r < 0)
		return r;
	t->is_answered = false;
	t->had_bytes = t->blob->have_bytes;
	if (t->blob->have_bytes) {
		char range[32];
		fmt(range, "%llu-", (unsigned long long)t->blob->have_bytes);
		curl_easy_setopt(x->easy, CURLOPT_RANGE, range);
	}
	curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, answer_take);
	curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, t);
	if (curl_multi_add_handle(t->download->multi, x->easy))
		return err_new(-ENOMEM, "begin to download %s", t->what);
	t->is_running = true;
	return 0;
}

static void transfer_take(struct transfer *t, struct registry_blob *blob)
{
	exchange_end(&t->exchange);
	t->blob = blob;
	t->again_at_ms = 0;
	t->exchange = (struct exchange){
		.registry = t->download->registry, .body = BUF_INIT, .body_max = 64 << 10};
	fmt(t->what, "blob sha256:%s", blob->hex);
}

/* A transfer has ended: its place is free again, or waits for the next try. */
static int transfer_judge(struct transfer *t, CURLcode result)
{
	struct exchange *x = &t->exchange;
	transfer_stop(t);
	if (t->blob->have_bytes > t->had_bytes)
		x->tries = 0;
	/* An answer can be complete by its own length and still be too short. */
	if (result == CURLE_OK && t->is_answered && t->blob->have_bytes < t->blob->size_bytes)
		result = CURLE_PARTIAL_FILE;
	int r = exchange_judge(x, result, t->what);
	if (r < 0)
		return r;
	t->again_at_ms = r > 0 ? clock_boot_ms() + (uint64_t)r : 0;
	if (r == 0 && t->blob->have_bytes < t->blob->size_bytes)
		return err_say(-EBADMSG, "%s: it has %llu bytes, not %llu as its manifest says",
			t->what, (unsigned long long)t->blob->have_bytes,
			(unsigned long long)t->blob->size_bytes);
	if (r == 0)
		t->blob = NULL;
	return 0;
}

/* Gives free places their next blob and starts what is due. Returns how many blobs are in
 * progress. */
static int places_fill(
	struct download *d, struct registry_blob **next, const struct registry_blob *end)
{
	int busy = 0;
	for (size_t i = 0; i < PARALLEL_MAX; i++) {
		struct transfer *t = &d->places[i];
		while (!t->blob && *next < end) {
			if ((*next)->have_bytes < (*next)->size_bytes)
				transfer_take(t, *next);
			++*next;
		}
		if (t->blob && !t->is_running && t->again_at_ms <= clock_boot_ms()) {
			int r = transfer_start(t);
			if (r < 0)
				return r;
		}
		busy += t->blob != NULL;
	}
	return busy;
}

static int ends_judge(struct download *d)
{
	CURLMsg *message;
	int left, r = 0;
	while (r == 0 && (message = curl_multi_info_read(d->multi, &left))) {
		char *place = NULL;
		CURLcode result = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &place);
		r = transfer_judge((struct transfer *)place, result);
	}
	return r;
}

static int wait_ms(const struct download *d)
{
	uint64_t now = clock_boot_ms(), wait = WAIT_MS;
	for (size_t i = 0; i < PARALLEL_MAX; i++) {
		const struct transfer *t = &d->places[i];
		uint64_t left = t->again_at_ms > now ? t->again_at_ms - now : 0;
		if (t->blob && !t->is_running && left < wait)
			wait = left;
	}
	return (int)wait;
}

int registry_download(struct registry *registry, struct registry_blob *blobs, size_t count,
	int (*grown)(void *context, const struct registry_blob *blob), void *context)
{
	auto_of(download) struct download d = {.registry = registry,
		.multi = curl_multi_init(),
		.grown = grown,
		.context = context};
	if (!d.multi)
		return err_new(-ENOMEM, "begin to download");
	for (size_t i = 0; i < PARALLEL_MAX; i++)
		d.places[i].download = &d;
	struct registry_blob *next = blobs;
	for (;;) {
		int running, r = places_fill(&d, &next, blobs + count);
		if (r <= 0)
			return r;
		CURLMcode code = curl_multi_perform(d.multi, &running);
		if (code == CURLM_OK)
			r = ends_judge(&d);
		if (r >= 0 && code == CURLM_OK && running > 0)
			code = curl_multi_poll(d.multi, NULL, 0, wait_ms(&d), NULL);
		else if (r >= 0 && code == CURLM_OK && wait_ms(&d) < WAIT_MS)
			clock_sleep_ms((uint64_t)wait_ms(&d));
		if (code)
			return err_say(-EIO, "download: %s", curl_multi_strerror(code));
		if (r < 0)
			return r;
	}
}
