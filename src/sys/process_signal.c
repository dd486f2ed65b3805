/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of signals, as kill(1) prints them. Real-time signals count from 34, the SIGRTMIN of
 * glibc, whatever libc husk is built with: the programs in containers mean that number.
 */
#include "sys/process.h"

#include "base/str.h"

#include <errno.h>
#include <signal.h>
#include <strings.h>

enum { RT_MIN = 34, RT_MAX = 64 };

static const char *const signal_names[RT_MAX + 1] = {
	[SIGHUP] = "SIGHUP",
	[SIGINT] = "SIGINT",
	[SIGQUIT] = "SIGQUIT",
	[SIGILL] = "SIGILL",
	[SIGTRAP] = "SIGTRAP",
	[SIGABRT] = "SIGABRT",
	[SIGBUS] = "SIGBUS",
	[SIGFPE] = "SIGFPE",
	[SIGKILL] = "SIGKILL",
	[SIGUSR1] = "SIGUSR1",
	[SIGSEGV] = "SIGSEGV",
	[SIGUSR2] = "SIGUSR2",
	[SIGPIPE] = "SIGPIPE",
	[SIGALRM] = "SIGALRM",
	[SIGTERM] = "SIGTERM",
	[SIGSTKFLT] = "SIGSTKFLT",
	[SIGCHLD] = "SIGCHLD",
	[SIGCONT] = "SIGCONT",
	[SIGSTOP] = "SIGSTOP",
	[SIGTSTP] = "SIGTSTP",
	[SIGTTIN] = "SIGTTIN",
	[SIGTTOU] = "SIGTTOU",
	[SIGURG] = "SIGURG",
	[SIGXCPU] = "SIGXCPU",
	[SIGXFSZ] = "SIGXFSZ",
	[SIGVTALRM] = "SIGVTALRM",
	[SIGPROF] = "SIGPROF",
	[SIGWINCH] = "SIGWINCH",
	[SIGIO] = "SIGIO",
	[SIGPWR] = "SIGPWR",
	[SIGSYS] = "SIGSYS",
	[34] = "SIGRTMIN",
	[35] = "SIGRTMIN+1",
	[36] = "SIGRTMIN+2",
	[37] = "SIGRTMIN+3",
	[38] = "SIGRTMIN+4",
	[39] = "SIGRTMIN+5",
	[40] = "SIGRTMIN+6",
	[41] = "SIGRTMIN+7",
	[42] = "SIGRTMIN+8",
	[43] = "SIGRTMIN+9",
	[44] = "SIGRTMIN+10",
	[45] = "SIGRTMIN+11",
	[46] = "SIGRTMIN+12",
	[47] = "SIGRTMIN+13",
	[48] = "SIGRTMIN+14",
	[49] = "SIGRTMIN+15",
	[50] = "SIGRTMAX-14",
	[51] = "SIGRTMAX-13",
	[52] = "SIGRTMAX-12",
	[53] = "SIGRTMAX-11",
	[54] = "SIGRTMAX-10",
	[55] = "SIGRTMAX-9",
	[56] = "SIGRTMAX-8",
	[57] = "SIGRTMAX-7",
	[58] = "SIGRTMAX-6",
	[59] = "SIGRTMAX-5",
	[60] = "SIGRTMAX-4",
	[61] = "SIGRTMAX-3",
	[62] = "SIGRTMAX-2",
	[63] = "SIGRTMAX-1",
	[64] = "SIGRTMAX",
};

static const struct {
	const char *name;
	int number;
} signal_aliases[] = {
	{"CLD", SIGCHLD},
	{"IOT", SIGABRT},
	{"POLL", SIGIO},
};

/* What follows "RTMIN" or "RTMAX": a distance with its sign, within the real-time signals. */
static int signal_parse_distance(const char *text, char sign, int base)
{
	uint32_t distance;
	if (*text == '\0')
		return base;
	if (*text != sign || parse_u32(text + 1, &distance) < 0 || distance > RT_MAX - RT_MIN)
		return -EINVAL;
	return sign == '+' ? base + (int)distance : base - (int)distance;
}

int signal_parse(const char *text)
{
	uint32_t number;
	if (parse_u32(text, &number) == 0)
		return number >= 1 && number <= RT_MAX ? (int)number : -EINVAL;

	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	if (strncasecmp(name, "RTMIN", 5) == 0)
		return signal_parse_distance(name + 5, '+', RT_MIN);
	if (strncasecmp(name, "RTMAX", 5) == 0)
		return signal_parse_distance(name + 5, '-', RT_MAX);
	for (int i = 1; i < RT_MIN; i++)
		if (signal_names[i] && strcasecmp(name, signal_names[i] + 3) == 0)
			return i;
	for (size_t i = 0; i < sizeof(signal_aliases) / sizeof(signal_aliases[0]); i++)
		if (strcasecmp(name, signal_aliases[i].name) == 0)
			return signal_aliases[i].number;
	return -EINVAL;
}

const char *signal_name(int number)
{
	return number >= 1 && number <= RT_MAX ? signal_names[number] : NULL;
}
