#include "payments/asker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "delivery/curl.h"
#include "delivery/smtp.h"
#include "rules/error.h"
#include "rules/text.h"

namespace saldo::server {
namespace {

constexpr std::chrono::seconds kAskPatience{10};
constexpr std::size_t kAnswerBytesMax = 1 << 20;

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(char* text) const { curl_free(text); }
};

// Whether nobody on the way can read it.
bool may_be_asked(const std::string& url) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  if (!parsed) throw std::bad_alloc();
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return false;
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), which, &text, 0) != CURLUE_OK) return std::string();
    const std::unique_ptr<char, FreeUrl> owned(text);
    return std::string(text);
  };
  const std::string scheme = part(CURLUPART_SCHEME);
  std::string host = part(CURLUPART_HOST);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return scheme == "https" || (scheme == "http" && is_this_machine(host));
}

std::size_t receive_answer(char* data, std::size_t size, std::size_t count, void* answer) {
  auto& body = *static_cast<std::string*>(answer);
  if (body.size() + size * count > kAnswerBytesMax) return 0;
  body.append(data, size * count);
  return size * count;
}

}  // namespace

AskedAnswer Asker::ask(const Question& question, const std::string& route) {
  const auto wrong = [](const std::string& what) { return Error(ErrorCode::kInternal, what); };
  if (!may_be_asked(question.url)) throw wrong("the url to ask is not of https");
  const bool is_method =
      !question.method.empty() && std::all_of(question.method.begin(), question.method.end(),
                                              [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_method) throw wrong("the method to ask by is not in capital letters");
  const auto has_control = [](const std::string& text) {
    return std::any_of(text.begin(), text.end(), is_control);
  };
  CurlList headers;
  append(headers, "Expect:");
  for (const auto& [name, value] : question.headers) {
    if (name.empty() || has_control(name) || has_control(value))
      throw wrong("a header of the question has control characters");
    append(headers, std::string(name).append(": ").append(value));
  }
  struct Leave {
    std::atomic<int>& here;
    ~Leave() { --here; }
  } const leaving{here_};
  struct Release {
    std::counting_semaphore<kAtOnce>& semaphore;
    ~Release() { semaphore.release(); }
  };
  if (++here_ > kAtOnce + kWaiting || !free_.try_acquire_for(kAskPatience)) {
    spdlog::warn("{}: other questions to the payment systems take too long", route);
    throw Error(ErrorCode::kOverloaded, "too many questions wait for payment systems; try again");
  }
  const Release releasing{free_};

  const CurlHandle curl = new_curl(stopping_);
  std::array<char, CURL_ERROR_SIZE> problem{};
  AskedAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_URL, question.url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, static_cast<long>(kAskPatience.count()));
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "saldo/" SALDO_VERSION);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  if (question.method == "GET") {
    curl_easy_setopt(curl.get(), CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, question.method.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(question.body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, question.body.data());
  }
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, receive_answer);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, problem.data());
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    spdlog::warn("{}: the payment system does not answer: {}", route,
                 code == CURLE_WRITE_ERROR ? "more than 1 MiB"
                 : problem[0] != '\0'      ? detail_of(problem.data())
                                           : std::string(curl_easy_strerror(code)));
    throw Error(ErrorCode::kOverloaded, "the payment system does not answer; try again");
  }
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

}  // namespace saldo::server
