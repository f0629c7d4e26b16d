// What both channels ask of libcurl.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <memory>
#include <string>

namespace saldo::server {

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};
using CurlHandle = std::unique_ptr<CURL, FreeCurl>;
using CurlList = std::unique_ptr<curl_slist, FreeCurl>;
using CurlMime = std::unique_ptr<curl_mime, FreeCurl>;

// A handle that goes straight to its server, whatever the environment says of proxies, and gives up
// when `stopping` is set. Certificates are checked against the system's authorities, or those of
// the file that SSL_CERT_FILE names, as other programs have it. Throws std::bad_alloc.
CurlHandle new_curl(const std::atomic<bool>& stopping);

void append(CurlList& list, const std::string& text);

// What a server answered, or libcurl says: short, of one line, in UTF-8 and without control
// characters.
std::string detail_of(std::string text);

}  // namespace saldo::server
