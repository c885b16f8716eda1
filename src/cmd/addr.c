#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "addr_options.h"
#include "address.h"
#include "command.h"
#include "entropy.h"
#include "line_reader.h"
#include "tsv.h"

static void print(struct address_printer *printer, const char *text, size_t size,
                  unsigned long line)
{
    struct address address;

    address_examine(text, size, line, &address);
    address_print(printer, &address);
}

static void flush_results(void *context)
{
    output_flush(context);
}

/* Every line but blank ones and comments; how many those were, or -1. */
static long print_stream(struct address_printer *printer, struct error *error)
{
    static struct line_reader reader;
    const char *line;
    size_t size;
    long count = 0;
    int more;

    if (isatty(STDIN_FILENO) && !printer->quiet)
        fprintf(printer->err, "teredoctl addr: reading addresses, one a line; end with Ctrl-D\n");
    line_reader_init(&reader, STDIN_FILENO, flush_results, printer->out);
    while ((more = line_reader_next(&reader, &line, &size, error)) > 0) {
        line_reader_trim(&line, &size);
        if (size > 0) {
            print(printer, line, size, reader.number);
            count++;
        }
    }
    return more < 0 ? -1 : count;
}

static int decode(const struct addr_options *a, struct address_printer *printer,
                  struct error *error)
{
    static const int status[] = {
        [ADDRESS_TEREDO] = EX_OK, [ADDRESS_NOT_TEREDO] = 1, [ADDRESS_INVALID] = EX_DATAERR};
    char dash[] = "-", *from_stdin[] = {dash};
    char **addresses = a->count > 0 ? a->addresses : from_stdin;
    int count = a->count > 0 ? a->count : 1;
    long total = 0;

    printer->many = count > 1 || strcmp(addresses[0], "-") == 0;
    for (int i = 0; i < count; i++) {
        long n = 1;

        if (strcmp(addresses[i], "-") == 0)
            n = print_stream(printer, error);
        else
            print(printer, addresses[i], strlen(addresses[i]), 0);
        if (n < 0)
            return -1;
        total += n;
    }
    address_print_end(printer);
    if (total == 0)
        return error_set(error, EX_NOINPUT, 0, "no address in the input");
    return status[printer->worst];
}

static int encode(struct addr_options *a, struct address_printer *printer, struct error *error)
{
    struct in6_addr encoded;
    struct address address;
    char text[IP6_STRLEN], note[ADDRESS_NOTE_ROOM];
    uint16_t random;

    a->teredo.prefix = TEREDO_PREFIX;
    if (a->random_flags) {
        if (!entropy_fill(&random, sizeof random, error))
            return -1;
        a->teredo.flags = random & TEREDO_FLAGS_RANDOM;
    }
    teredo_addr_encode(&a->teredo, &encoded);
    address_examine(text, ip6_format(&encoded, text), 0, &address);
    if (a->format != REPORT_TEXT) {
        address_print(printer, &address);
        return EX_OK;
    }
    output_text(printer->out, text);
    output_text(printer->out, "\n");
    for (uint32_t left = a->quiet ? 0 : address.notes; left != 0; left &= left - 1) {
        *address_put_note(note, &address, (enum address_note)__builtin_ctz(left)) = '\0';
        fprintf(stderr, "teredoctl addr: note: %s\n", note);
    }
    return EX_OK;
}

static int run(int argc, char **argv, struct error *error)
{
    static struct output output;
    struct addr_options a = {0};
    struct address_printer printer = {.out = &output, .err = stderr};
    int status;

    argv[0] = "teredoctl addr";
    argp_parse(&addr_argp, argc, argv, 0, NULL, &a);
    output_init(&output, stdout);
    printer.format = a.format;
    printer.quiet = a.quiet;
    if (a.header)
        tsv_header(stdout, "addr");
    status = a.encode ? encode(&a, &printer, error) : decode(&a, &printer, error);
    /* What was printed before an error of the input stays printed. */
    if (status < 0) {
        output_flush(&output);
        return -1;
    }
    return output_close(&output, error) == 0 ? status : -1;
}

const struct command command_addr = {"addr", "take Teredo addresses apart, or build one", run};
