/* client_certificate.c -- a client certificate for h2load, which has no option for one.
 *
 *   cc -shared -fPIC -o client_certificate.so client_certificate.c -ldl -lssl -lcrypto
 *   LD_PRELOAD=./client_certificate.so BENCH_CERT=cert.pem BENCH_KEY=key.pem h2load https://...
 *
 * Stands in front of libssl's SSL_CTX_new and gives each new context the certificate. Without both variables
 * it stays out of the way; with a certificate that cannot be loaded it ends the program, because a run
 * without one would measure refusals.
 */
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef SSL_CTX *new_function(const SSL_METHOD *method);

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
    void *symbol = dlsym(RTLD_NEXT, "SSL_CTX_new");
    new_function *real = NULL;
    memcpy(&real, &symbol, sizeof real); /* ISO C has no cast from object to function pointer */
    const char *certificate = getenv("BENCH_CERT"), *key = getenv("BENCH_KEY");
    SSL_CTX *context = real == NULL ? NULL : real(method);
    if (context == NULL || certificate == NULL || key == NULL)
        return context;
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "client_certificate: %s or %s cannot be used\n", certificate, key);
        abort();
    }
    return context;
}
