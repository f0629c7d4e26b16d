#include "delivery/curl.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "codecs/json.h"
#include "rules/text.h"

namespace saldo::server {
namespace {

int give_up(void* stopping, curl_off_t /*total*/, curl_off_t /*now*/, curl_off_t /*upload_total*/,
            curl_off_t /*upload_now*/) {
  return *static_cast<const std::atomic<bool>*>(stopping) ? 1 : 0;
}

}  // namespace

CurlHandle new_curl(const std::atomic<bool>& stopping) {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  CurlHandle curl(kReady == CURLE_OK ? curl_easy_init() : nullptr);
  if (!curl) throw std::bad_alloc();
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, give_up);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &stopping);
  if (const char* authorities = std::getenv("SSL_CERT_FILE"))
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO, authorities);
  return curl;
}

void append(CurlList& list, const std::string& text) {
  curl_slist* longer = curl_slist_append(list.get(), text.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  (void)list.release();
  list.reset(longer);
}

std::string detail_of(std::string text) {
  constexpr std::size_t kBytesMax = 300;
  if (text.size() > kBytesMax) text.resize(kBytesMax);
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.pop_back();
  std::replace_if(text.begin(), text.end(), is_control, ' ');
  return replace_invalid_utf8(text);
}

}  // namespace saldo::server
