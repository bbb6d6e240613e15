/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A script is the first argument that is no option and no option's value. So each interpreter's
 * row says which of its options take a value, and which mean that there is no script at all.
 */
#include "lib/array.h"
#include "process/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENV_ARGS_MAX 64 /* that env(1) is looked through for, -S included */

/* What an option means for what follows. */
enum meaning {
	MEANING_FLAG,   /* nothing */
	MEANING_VALUE,  /* the next argument is its value, unless one is joined by "=" */
	MEANING_CODE,   /* the program is in the arguments or comes from standard input */
	MEANING_SCRIPT, /* its value is the script */
	MEANING_MODULE, /* its value is a module, which is the program */
};

struct word {
	const char *name;
	enum meaning meaning;
};

/* Options of one letter, which can stand together behind one "-". */
struct letters {
	const char *code, *value, *script, *module;
	const char
		*rest; /* what is behind it in the same argument is its value, and never the next */
	bool apart;    /* a value is always the next argument, more letters may follow */
};

struct language {
	const char *const *names; /* base names, to which a version may be added */
	const struct word *words; /* whole options, looked at first */
	struct letters letters;
	bool single;      /* one "-" in front of whole words too, no letters together (java) */
	bool plus;        /* "+o" is an option as "-o" is (shells) */
	bool dash_is_end; /* "-" alone ends the options; elsewhere it is standard input */
	bool classes;     /* a script without a file's suffix is a class */
};

#define NAMES(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

static const struct word shell_words[] = {{"--rcfile", MEANING_VALUE},
	{"--init-file", MEANING_VALUE}, {"--emulate", MEANING_VALUE}, {0}};

static const struct word python_words[] = {
	{"--check-hash-based-pycs", MEANING_VALUE}, {"--jit", MEANING_VALUE}, {0}};

static const struct word ruby_words[] = {{"--encoding", MEANING_VALUE},
	{"--external-encoding", MEANING_VALUE}, {"--internal-encoding", MEANING_VALUE},
	{"--enable", MEANING_VALUE}, {"--disable", MEANING_VALUE}, {0}};

static const struct word perl_words[] = {{0}};

/* node's own options; those of V8 take their values behind "=" alone. */
static const struct word node_words[] = {{"--eval", MEANING_CODE}, {"--print", MEANING_CODE},
	{"-pe", MEANING_CODE}, {"--run", MEANING_CODE}, {"--interactive", MEANING_CODE},
	{"--require", MEANING_VALUE}, {"--import", MEANING_VALUE}, {"--loader", MEANING_VALUE},
	{"--experimental-loader", MEANING_VALUE}, {"--conditions", MEANING_VALUE},
	{"--input-type", MEANING_VALUE}, {"--env-file", MEANING_VALUE}, {"--title", MEANING_VALUE},
	{"--watch-path", MEANING_VALUE}, {"--icu-data-dir", MEANING_VALUE},
	{"--openssl-config", MEANING_VALUE}, {"--redirect-warnings", MEANING_VALUE},
	{"--diagnostic-dir", MEANING_VALUE}, {"--unhandled-rejections", MEANING_VALUE},
	{"--dns-result-order", MEANING_VALUE}, {"--disable-warning", MEANING_VALUE},
	{"--max-http-header-size", MEANING_VALUE}, {"--tls-cipher-list", MEANING_VALUE},
	{"--tls-keylog", MEANING_VALUE}, {"--heapsnapshot-signal", MEANING_VALUE},
	{"--trace-event-categories", MEANING_VALUE}, {"--experimental-default-type", MEANING_VALUE},
	{0}};

static const struct word php_words[] = {{"--run", MEANING_CODE}, {"--process-begin", MEANING_CODE},
	{"--process-code", MEANING_CODE}, {"--process-end", MEANING_CODE},
	{"--file", MEANING_SCRIPT}, {"--process-file", MEANING_SCRIPT},
	{"--php-ini", MEANING_VALUE}, {"--define", MEANING_VALUE}, {"--server", MEANING_VALUE},
	{"--docroot", MEANING_VALUE}, {"--zend-extension", MEANING_VALUE}, {0}};

static const struct word java_words[] = {{"-jar", MEANING_SCRIPT}, {"-m", MEANING_MODULE},
	{"--module", MEANING_MODULE}, {"-cp", MEANING_VALUE}, {"-classpath", MEANING_VALUE},
	{"--class-path", MEANING_VALUE}, {"-p", MEANING_VALUE}, {"--module-path", MEANING_VALUE},
	{"--upgrade-module-path", MEANING_VALUE}, {"--add-modules", MEANING_VALUE},
	{"--add-exports", MEANING_VALUE}, {"--add-opens", MEANING_VALUE},
	{"--add-reads", MEANING_VALUE}, {"--limit-modules", MEANING_VALUE},
	{"--patch-module", MEANING_VALUE}, {"--enable-native-access", MEANING_VALUE},
	{"--illegal-native-access", MEANING_VALUE}, {"--source", MEANING_VALUE},
	{"--describe-module", MEANING_CODE}, {"-d", MEANING_CODE}, {0}};

static const struct word lua_words[] = {{0}};

static const struct word tclsh_words[] = {{"-encoding", MEANING_VALUE}, {0}};

static const struct language languages[] = {
	{.names = NAMES("sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "hush"),
		.words = shell_words,
		.letters = {.code = "cs", .value = "oO", .apart = true},
		.plus = true,
		.dash_is_end = true},
	{.names = NAMES("python", "pypy"),
		.words = python_words,
		.letters = {.code = "c", .value = "WXQ", .module = "m"}},
	{.names = NAMES("perl"),
		.words = perl_words,
		.letters = {.code = "eE", .value = "I", .rest = "MmixFDV:"}},
	{.names = NAMES("ruby"),
		.words = ruby_words,
		.letters = {.code = "e", .value = "rICXE", .rest = "iFKxTW"}},
	{.names = NAMES("node", "nodejs"),
		.words = node_words,
		.letters = {.code = "epi", .value = "rC"}},
	{.names = NAMES("php", "php-cgi"),
		.words = php_words,
		.letters = {.code = "rBRE", .value = "cdzSt", .script = "fF"}},
	{.names = NAMES("java"), .words = java_words, .single = true, .classes = true},
	{.names = NAMES("lua", "luajit"),
		.words = lua_words,
		.letters = {.value = "elj", .rest = "O"}},
	{.names = NAMES("tclsh"), .words = tclsh_words, .single = true},
};

static const char *path__base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether rest is what a version adds to a name: "3", "3.11", "5.36.0", "3.7m" (an ABI),
 * "5.36-x86_64-linux-gnu", "-2.1"; but no "-exporter". */
static bool version__is(const char *rest)
{
	size_t digits = strspn(rest, "0123456789.");

	rest += digits;
	if (digits && *rest >= 'a' && *rest <= 'z')
		rest++;
	return !*rest || (*rest == '-' && (digits || (rest[1] >= '0' && rest[1] <= '9')));
}

static bool name__matches(const char *name, const char *base)
{
	size_t length = strlen(name);

	return !strncmp(base, name, length) && version__is(base + length);
}

static const struct language *language__of(const char *base)
{
	for (size_t i = 0; i < ARRAY_SIZE(languages); i++)
		for (const char *const *name = languages[i].names; *name; name++)
			if (name__matches(*name, base))
				return &languages[i];
	return NULL;
}

static bool program__is_multi(const char *base)
{
	return !strcmp(base, "busybox") || !strcmp(base, "toybox");
}

static bool letter__in(const char *letters, char letter)
{
	return letters && letter && strchr(letters, letter);
}

static enum meaning letter__meaning(const struct letters *letters, char letter)
{
	const struct {
		const char *set;
		enum meaning meaning;
	} sets[] = {{letters->code, MEANING_CODE}, {letters->value, MEANING_VALUE},
		{letters->script, MEANING_SCRIPT}, {letters->module, MEANING_MODULE}};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (letter__in(sets[i].set, letter))
			return sets[i].meaning;
	return MEANING_FLAG;
}

/* What one argument is. */
struct option {
	enum meaning meaning;
	const char *value;  /* joined; NULL: none */
	unsigned int apart; /* this many of the next arguments are values */
};

static struct option option__of_word(const struct language *language, const char *arg)
{
	size_t length = strcspn(arg, "=");

	for (const struct word *word = language->words; word->name; word++) {
		if (strlen(word->name) != length || strncmp(word->name, arg, length))
			continue;
		return (struct option){word->meaning, arg[length] ? arg + length + 1 : NULL,
			word->meaning == MEANING_VALUE && !arg[length]};
	}
	return (struct option){.meaning = MEANING_FLAG};
}

static struct option option__of_letters(const struct letters *letters, const char *arg)
{
	struct option option = {.meaning = MEANING_FLAG};

	for (const char *letter = arg + 1; *letter; letter++) {
		enum meaning meaning = letter__meaning(letters, *letter);

		if (meaning == MEANING_VALUE && letters->apart) {
			option.apart++;
			continue;
		}
		if (meaning == MEANING_FLAG && !letter__in(letters->rest, *letter))
			continue;
		option.meaning = meaning;
		option.value = letter[1] ? letter + 1 : NULL;
		option.apart = meaning == MEANING_VALUE && !option.value;
		break;
	}
	return option;
}

static struct option option__of(const struct language *language, const char *arg)
{
	struct option option = option__of_word(language, arg);

	if (option.meaning != MEANING_FLAG || language->single || !strncmp(arg, "--", 2))
		return option;
	return option__of_letters(&language->letters, arg);
}

static bool arg__is_option(const struct language *language, const char *arg)
{
	if (language->classes && *arg == '@') /* java: a file with more options */
		return true;
	return arg[0] && arg[1] && (*arg == '-' || (language->plus && *arg == '+'));
}

static char *script__copy(const char *script)
{
	return script && *script ? strdup(script) : NULL;
}

static char *module__copy(const char *module)
{
	char *copy;

	if (!module || !*module)
		return NULL;
	copy = malloc(strlen("-m ") + strlen(module) + 1);
	if (copy)
		sprintf(copy, "-m %s", module);
	return copy;
}

/* The script in the arguments behind the interpreter's own name. */
static char *language__find(const struct language *language, char *const *args)
{
	for (; *args; args++) {
		struct option option;

		if (!strcmp(*args, "--") || (language->dash_is_end && !strcmp(*args, "-")))
			return script__copy(args[1]);
		if (!strcmp(*args, "-"))
			return NULL;
		if (!arg__is_option(language, *args))
			return script__copy(*args);
		option = option__of(language, *args);
		if (option.meaning == MEANING_CODE)
			return NULL;
		if (option.meaning == MEANING_SCRIPT)
			return script__copy(option.value ? option.value : args[1]);
		if (option.meaning == MEANING_MODULE)
			return module__copy(option.value ? option.value : args[1]);
		for (; option.apart && args[1]; option.apart--)
			args++;
	}
	return NULL;
}

/* The script when called by that name with args (args[0] is the name). */
static char *program__find(const char *base, char *const *args)
{
	const struct language *language = language__of(base);

	return language && *args ? language__find(language, args + 1) : NULL;
}

/* busybox is called as its command, or with its command as the first argument. */
static char *multi__find(char *const *args)
{
	if (*args && program__is_multi(path__base(*args)))
		args++;
	return *args ? program__find(path__base(*args), args) : NULL;
}

/* --- env(1) -------------------------------------------------------------------------------- */

/* A command line, as env builds one. words is what -S was split into. */
struct command {
	char *args[ENV_ARGS_MAX + 1];
	size_t count;
	char *words;
};

static void command__add(struct command *command, char *arg)
{
	if (command->count < ENV_ARGS_MAX)
		command->args[command->count++] = arg;
}

/* -S: at blanks. What it may quote is no interpreter's name, and seldom a script's. */
static void command__split(struct command *command, const char *text)
{
	char *place;

	if (command->words)
		return;
	command->words = strdup(text);
	if (!command->words)
		return;
	for (char *word = strtok_r(command->words, " \t", &place); word;
		word = strtok_r(NULL, " \t", &place))
		command__add(command, word);
}

static const struct word env_words[] = {{"--unset", MEANING_VALUE}, {"--chdir", MEANING_VALUE},
	{"--argv0", MEANING_VALUE}, {"--split-string", MEANING_SCRIPT}, {0}};

static const struct language env_language = {
	.words = env_words, .letters = {.value = "uCa", .script = "S"}};

/* Fills command with what env would run. */
static void env__unwrap(struct command *command, char *const *args)
{
	struct option option;

	for (; *args; args++) {
		if (strchr(*args, '=') && **args != '-')
			continue;
		if (**args != '-')
			break;
		option = option__of(&env_language, *args);
		if (option.meaning == MEANING_SCRIPT) {
			if (!option.value && !*++args)
				break;
			command__split(command, option.value ? option.value : *args);
			args++;
			break;
		}
		for (; option.apart && args[1]; option.apart--)
			args++;
	}
	for (; *args; args++)
		command__add(command, *args);
}

char *script__find(const char *exe, char *const *args)
{
	const char *base = exe ? path__base(exe) : (args[0] ? path__base(args[0]) : "");
	struct command command = {0};
	char *script = NULL;

	/* A login shell's name starts with a dash. */
	if (!exe && *base == '-')
		base++;
	if (program__is_multi(base))
		return multi__find(args);
	if (strcmp(base, "env"))
		return program__find(base, args);
	if (args[0])
		env__unwrap(&command, args + 1);
	/* Once: an env that env starts replaces it. */
	if (command.count && strcmp(path__base(command.args[0]), "env"))
		script = script__find(NULL, command.args);
	free(command.words);
	return script;
}

bool script__interprets(const char *exe)
{
	const char *base = exe ? path__base(exe) : "";

	return program__is_multi(base) || !strcmp(base, "env") || language__of(base);
}

bool script__is_file(const char *exe, const char *script)
{
	const struct language *language = exe ? language__of(path__base(exe)) : NULL;
	const char *suffix = strrchr(script, '.');

	if (!strncmp(script, "-m ", 3))
		return false;
	if (!language || !language->classes || strchr(script, '/'))
		return true;
	return suffix &&
	       (!strcmp(suffix, ".jar") || !strcmp(suffix, ".java") || !strcmp(suffix, ".war"));
}
