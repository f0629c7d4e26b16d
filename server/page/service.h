// Pages for people: who is signed in, what a page shows, and how a form writes.
//
// A page is a route of the server's own kind (routes/route.h) with `gives: html`, whose rows name
// components. A form writes through a route of the API in two steps: its dry run shows what would
// be before and after, then the same is done under an Idempotency-Key that was minted into the
// form; where what was shown is another by now, it is shown again instead.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/audits.h"
#include "jobs/figures.h"
#include "page/components.h"
#include "page/search.h"
#include "page/sessions.h"
#include "routes/problem.h"
#include "routes/request.h"
#include "routes/route.h"
#include "store/answers.h"
#include "store/readers.h"
#include "store/writer.h"

namespace saldo::server {

struct PageParts {
  RouteTable& routes;
  Readers& readers;
  Writer& writer;
  Sessions& sessions;
  std::chrono::milliseconds patience;
  bool private_webhooks;
  bool has_tls;  // the server's own
  // Reads the request's instant.
  std::function<void(const HttpRequest&, Request&)> set_now;
  // Reads what the route's write is given.
  std::function<void(const HttpRequest&, Request&, const RouteTable::Path&)> read_before;
  // Does what a form writes where the file follows a log; null: it follows none. `is_last`: its
  // answer is kept under the key.
  using Replicate = std::function<Reply(const Request&, const AnswerKey&, bool is_last)>;
  Replicate replicate;
  // What a route does that has no SQL of its own.
  std::function<Reply(const Request&)> call;
};

class PageService {
 public:
  explicit PageService(PageParts parts);

  // Whether people ask for it, with their browser: a page, what belongs to pages, or a path that
  // there is not.
  static bool is_for(const HttpRequest& http, std::string_view path, const Route* route);
  // Whatever goes wrong is a page, too. What the log is told goes into `who` and `route`.
  Reply answer(const HttpRequest& http, const Target& target, const Route* route,
               const std::vector<std::string>& path_values, std::string& who, const Route*& logged);
  // What went wrong before a page was begun, or cannot be told by one.
  Reply refused(const Error& error);
  // Whether a form may bring a file.
  bool may_upload(const HttpRequest& http);

 private:
  struct Visitor {
    Locale locale;
    Frame frame;
    std::optional<Session> session;
    Role role = Role::kNone;
    std::string cookie;
    std::string who;
  };
  struct Deed;

  static Locale locale_of(Reader& reader);
  Visitor meet(const HttpRequest& http, Instant now);
  std::string_view cookie_name(const HttpRequest& http) const;
  std::string cookie_of(const HttpRequest& http) const;
  Reply respond(const HttpRequest& http, const Target& target, const Route* route,
                const std::vector<std::string>& path_values, Visitor& visitor,
                const Route*& logged);
  Reply sign_in(const HttpRequest& http, Visitor& visitor);
  Reply sign_out(const HttpRequest& http, const Visitor& visitor);
  Reply show(const HttpRequest& http, const Target& target, const Route& route,
             const std::vector<std::string>& path_values, const Visitor& visitor);
  Reply act(const HttpRequest& http, Visitor& visitor, const Route*& logged);
  Reply do_deed(const HttpRequest& http, Visitor& visitor, Deed& deed);
  void do_at_once(const HttpRequest& http, const Visitor& visitor, Deed& deed,
                  const std::optional<AnswerKey>& answer_key);
  void do_in_pieces(const HttpRequest& http, const Visitor& visitor, Deed& deed,
                    const std::optional<AnswerKey>& answer_key);
  void replicate(Deed& deed, const AnswerKey& key, bool is_last) const;
  static bool replay(Database& database, Deed& deed, const AnswerKey& key);
  static void keep_answer(Database& database, Deed& deed, const AnswerKey& key);
  FormSheet form_of(const HttpRequest& http, const Visitor& visitor, const Fields& fields);
  Reply preview(const Visitor& visitor, const Deed& deed, const FormSheet& form,
                const std::string& problem);
  Reply result(const Visitor& visitor, const Deed& deed, std::string_view told);
  const Route* page_for(const Visitor& visitor, std::string_view link, Target& target,
                        std::vector<std::string>& values) const;
  [[nodiscard]] std::string place_behind(const Visitor& visitor, const Fields& fields) const;
  Reply show_form_again(const HttpRequest& http, Visitor& visitor, const Fields& fields,
                        const std::string& problem, int status);
  Reply error_page(const Visitor& visitor, const Error& error);
  Request request_for(const HttpRequest& http, const Visitor& visitor, const Route& route,
                      Target target) const;

  PageParts parts_;
  std::mutex locale_mutex_;
  Locale locale_;  // of the last page
};

// What the functions of SQL for pages ask. Where routes are only read, nothing is asked, and all
// are null.
struct PageSources {
  Sessions* sessions = nullptr;
  SearchIndex* index = nullptr;
  const Figures* figures = nullptr;
  const AuditJob* audits = nullptr;
  std::optional<std::chrono::seconds> close_after;  // nullopt: the server closes no days
};

// Functions of SQL for pages; `sources` outlives the connection:
//   open_sessions(now)             JSON as of Sessions::list()
//   found_accounts(text, after, count)
//                                  a JSON array of numbers of accounts, ascending, above `after`:
//                                  the first that a search by the text finds
//   figures(name, now)             JSON as of Figures::get()
//   in_units(amount, currency, language)
//                                  minor units as typed_money() has them
//   last_audit()                   JSON as of AuditJob::last()
//   overdue_days()                 as /healthz tells them
void register_page_functions(sqlite3* db, const PageSources* sources);

}  // namespace saldo::server
