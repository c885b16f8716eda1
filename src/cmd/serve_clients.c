#include "serve_clients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

enum {
    MAX_FILE_SIZE = 16 << 20,
    MAX_ID_SIZE = 255, /* ID-len is one byte (5.1.1) */
};

static int no_memory(struct error *error)
{
    return error_set(error, EX_OSERR, ENOMEM, "cannot read the clients' secrets");
}

/* Reads the whole file into OUT->text, a NUL behind it. */
static int read_all(struct serve_clients *out, FILE *f, const char *file, struct error *error)
{
    struct stat st;
    size_t size;

    if (fstat(fileno(f), &st) != 0)
        return error_set(error, EX_IOERR, errno, "cannot read %s", file);
    if (st.st_size > MAX_FILE_SIZE)
        return error_set(error, EX_DATAERR, 0, "%s: larger than %d bytes", file, MAX_FILE_SIZE);
    if (S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0)
        fprintf(stderr, "teredoctl serve: warning: everyone can read the secrets in %s\n", file);
    /* Room for what a pipe may hold, which has no size. */
    size = S_ISREG(st.st_mode) ? (size_t)st.st_size : 65536;
    out->text = malloc(size + 1);
    if (out->text == NULL)
        return no_memory(error);
    out->text_size = fread(out->text, 1, size, f);
    out->text[out->text_size] = '\0';
    if (ferror(f))
        return error_set(error, EX_IOERR, errno, "cannot read %s", file);
    if (memchr(out->text, '\0', out->text_size) != NULL)
        return error_set(error, EX_DATAERR, 0, "%s: not a text file", file);
    return 0;
}

static int add_line(struct serve_clients *out, char *line, const char *file, unsigned number,
                    struct error *error)
{
    char *colon = strchr(line, ':');
    struct server_client *list;

    if (colon == NULL || colon == line || colon[1] == '\0')
        return error_set(error, EX_DATAERR, 0, "%s line %u: not \"identifier:secret\"", file,
                         number);
    if (colon - line > MAX_ID_SIZE)
        return error_set(error, EX_DATAERR, 0, "%s line %u: identifier longer than %d bytes", file,
                         number, MAX_ID_SIZE);
    /* Grown each time the count reaches a power of two. */
    if ((out->count & (out->count - 1)) == 0) {
        list = realloc(out->list, (out->count == 0 ? 1 : 2 * out->count) * sizeof *list);
        if (list == NULL)
            return no_memory(error);
        out->list = list;
    }
    out->list[out->count++] = (struct server_client){.id = (const uint8_t *)line,
                                                     .id_size = (size_t)(colon - line),
                                                     .secret = (const uint8_t *)colon + 1,
                                                     .secret_size = strlen(colon + 1)};
    return 0;
}

static int check_unique(struct serve_clients *out, const char *file, struct error *error)
{
    for (size_t i = 1; i < out->count; i++)
        if (server_client_compare(&out->list[i - 1], &out->list[i]) == 0)
            return error_set(error, EX_DATAERR, 0, "%s: client \"%.*s\" has two secrets", file,
                             (int)out->list[i].id_size, (const char *)out->list[i].id);
    return 0;
}

static int parse(struct serve_clients *out, const char *file, struct error *error)
{
    unsigned number = 0;

    for (char *line = out->text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        number++;
        if (*line != '\0' && *line != '#' && add_line(out, line, file, number, error) != 0)
            return -1;
    }
    if (out->count == 0)
        return error_set(error, EX_DATAERR, 0, "%s: no client in it", file);
    qsort(out->list, out->count, sizeof *out->list, server_client_compare);
    return check_unique(out, file, error);
}

int serve_clients_read(struct serve_clients *out, const char *file, struct error *error)
{
    FILE *f = fopen(file, "re");
    int failed;

    *out = (struct serve_clients){0};
    if (f == NULL)
        return error_set_no_input(error, errno, file);
    failed = read_all(out, f, file, error);
    fclose(f);
    if (failed == 0)
        failed = parse(out, file, error);
    if (failed != 0)
        serve_clients_free(out);
    return failed;
}

void serve_clients_free(struct serve_clients *clients)
{
    if (clients->text != NULL)
        explicit_bzero(clients->text, clients->text_size);
    free(clients->text);
    free(clients->list);
    *clients = (struct serve_clients){0};
}
