#include "sighting_report.h"

#include <jansson.h>
#include <stdlib.h>

#include "json_put.h"

enum {
    /* Of a file's name: what fits into OUTPUT_PIECE beside the largest packet, which takes a third
     * of it. Longer ones are cut. */
    NAME_BYTES = 1000
};

#define LIST_BEGIN "{\n  \"schema\": 1,\n  \"command\": \"decode\",\n  \"packets\": [\n"

void sighting_printer_file(struct sighting_printer *printer, const char *name)
{
    size_t size = name == NULL ? 0 : strnlen(name, NAME_BYTES);
    json_t *string;

    free(printer->file);
    printer->file = NULL;
    if (name == NULL || printer->format == REPORT_TEXT)
        return;
    if (printer->format == REPORT_TSV) {
        printer->file = strndup(name, size);
        return;
    }
    /* jansson keeps UTF-8 as it is and refuses what is none. */
    string = json_stringn(name, size);
    printer->file = string == NULL ? NULL : json_dumps(string, JSON_ENCODE_ANY);
    json_decref(string);
    if (printer->file == NULL && (printer->file = malloc(6 * size + 3)) != NULL)
        *json_put_string(printer->file, name, size) = '\0';
}

static void print_json(struct sighting_printer *printer, const struct sighting *s)
{
    char *start = output_reserve(printer->out), *p = start;

    if (printer->format == REPORT_JSON && !printer->single) {
        p = put_string(p, printer->count == 0 ? LIST_BEGIN : ",\n");
        p = sighting_put_json(printer, put_string(p, "    {"), s);
        output_advance(printer->out, p);
        return;
    }
    p = put_string(p, "{\"schema\":1,\"command\":\"decode\",");
    if (printer->format == REPORT_JSONL)
        p = put_string(p, "\"event\":\"packet\",");
    p = sighting_put_json(printer, p, s);
    if (printer->format == REPORT_JSON) {
        json_put_laid_out(printer->out, start, (size_t)(p - start));
        return;
    }
    *p++ = '\n';
    output_advance(printer->out, p);
}

void sighting_print(struct sighting_printer *printer, const struct sighting *s)
{
    if (printer->format == REPORT_TSV) {
        output_advance(printer->out, sighting_put_tsv(printer, output_reserve(printer->out), s));
    } else if (printer->format != REPORT_TEXT) {
        print_json(printer, s);
    } else {
        char *p = sighting_put_line(printer, output_reserve(printer->out), s);

        if (printer->verbose)
            p = sighting_put_tree(p, s);
        output_advance(printer->out, p);
    }
    printer->count++;
}

void sighting_print_end(struct sighting_printer *printer)
{
    if (printer->format == REPORT_JSON && !printer->single)
        output_text(printer->out, printer->count == 0 ? LIST_BEGIN "  ]\n}\n" : "\n  ]\n}\n");
    free(printer->file);
    printer->file = NULL;
}

const char *sighting_trailer_name(uint8_t type)
{
    switch (type) {
    case TRAILER_NONCE:
        return "nonce";
    case TRAILER_ALTERNATE_ADDRESS:
        return "alternate_address";
    case TRAILER_ND_OPTION:
        return "nd_option";
    case TRAILER_RANDOM_PORT:
        return "random_port";
    default:
        return NULL;
    }
}
