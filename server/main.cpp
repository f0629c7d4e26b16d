// saldod: its commands and flags.
#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <string>

#include "commands/commands.h"
#include "commands/log.h"
#include "commands/serve.h"
#include "rules/role.h"
#include "store/memory.h"

namespace saldo::server {
namespace {

// A transform of CLI11: "10s" becomes "10000", the milliseconds. Returns an error message, or "".
std::string duration(std::string& text) {
  const std::pair<std::string_view, std::int64_t> units[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  for (const auto& [unit, factor] : units) {
    const auto digits = text.find_first_not_of("0123456789");
    constexpr std::size_t kDigitsMax = 9;
    if (digits == 0 || digits > kDigitsMax || text.substr(digits) != unit) continue;
    text = std::to_string(std::stoll(text.substr(0, digits)) * factor);
    return "";
  }
  return text + " is not a duration, such as 500ms, 10s, 5m or 6h";
}

template <typename Duration>
CLI::Option* add_duration(CLI::App& app, const std::string& flag, Duration& value,
                          const std::string& shown, const std::string& help) {
  return app
      .add_option_function<std::int64_t>(
          flag,
          [&value](const std::int64_t& count) {
            value = std::chrono::duration_cast<Duration>(std::chrono::milliseconds(count));
          },
          help)
      ->transform(CLI::Validator(duration, ""))
      ->default_str(shown)
      ->type_name("DURATION");
}

// What else libcurl would make of a URL is not taken.
std::string relay_url(const std::string& text) {
  if (parse_relay_url(text)) return "";
  return text + " is not a relay's URL, such as smtp://mail.example.org:587 (with STARTTLS) or " +
         "smtps://mail.example.org:465; the user goes into --smtp-user";
}

void add_mail_flags(CLI::App& app, commands::ServeOptions& serve) {
  MailOptions& mail = serve.service.sender.mail;
  add_duration(app, "--notice-every", serve.service.notice_every, "60s",
               "Post what is due to be told so often; not with --test-clock")
      ->excludes(app.get_option("--test-clock"));
  auto* relay = app.add_option("--smtp", serve.relay.url,
                               "The relay of e-mails: smtp://HOST:PORT, with STARTTLS, or "
                               "smtps://HOST:PORT; without it they wait")
                    ->check(CLI::Validator(relay_url, ""));
  app.add_flag("--smtp-plain", serve.relay.plain, "Without STARTTLS: for a relay on the same host")
      ->needs(relay);
  auto* user =
      app.add_option("--smtp-user", serve.relay.user, "Who the relay knows us as")->needs(relay);
  auto* password = app.add_option("--smtp-password-file", serve.password_file,
                                  "A file whose first line is the password")
                       ->check(CLI::ExistingFile);
  user->needs(password);
  password->needs(user);
  auto* from = app.add_option_function<std::string>(
      "--mail-from",
      [&mail](const std::string& text) {
        const auto mailbox = parse_mailbox(text);
        if (!mailbox) {
          throw CLI::ValidationError("--mail-from",
                                     text +
                                         " is not a sender, such as billing@example.org or "
                                         "'Example <billing@example.org>'");
        }
        mail.from = *mailbox;
      },
      "Who e-mails are from: billing@example.org or 'Example <billing@example.org>'");
  relay->needs(from);
  auto* within =
      app.add_option_function<std::string>(
             "--mail-hours",
             [&mail](const std::string& text) {
               const auto hours = parse_mail_hours(text);
               if (!hours) {
                 throw CLI::ValidationError("--mail-hours", text +
                                                                " is not two hours of a day, the "
                                                                "first before the second, from "
                                                                "00-01 to 00-24");
               }
               mail.hours = *hours;
             },
             "E-mails go out within these hours of the billing time zone; 00-24: always")
          ->default_str("09-20");
  auto* rate = app.add_option("--mail-rate", mail.rate, "E-mails a minute; 0: unlimited")
                   ->capture_default_str()
                   ->check(CLI::Range(0, 1'000'000));
  auto* redirect =
      app.add_option("--mail-redirect", mail.redirect, "All e-mails go to this address: for trials")
          ->check(CLI::Validator(
              [](const std::string& text) {
                return is_mail_address(text)
                           ? std::string()
                           : text + " is not one address, such as anna@example.org";
              },
              ""));
  auto* capture = app.add_flag("--mail-capture", mail.capture,
                               "Keep e-mails in the table of deliveries, and send none: for trials")
                      ->excludes(relay);
  // A trial may have the flags of the real thing.
  app.parse_complete_callback([=] {
    for (const auto* option : {from, within, rate, redirect}) {
      if (option->count() > 0 && relay->count() + capture->count() == 0)
        throw CLI::ValidationError(option->get_name(), "goes with --smtp URL or --mail-capture");
    }
  });
  app.add_flag("--webhook-allow-private", serve.service.sender.webhook_allow_private,
               "Webhooks may be of http, and of addresses of private networks and of this machine");
}

// `node`: the flag that names it is needed with --log.
void add_log_flags(CLI::App& app, commands::LogFlags& log) {
  auto* url = app.add_option("--log", log.url,
                             "The replicated log that the file follows: etcd://h1:2379,h2:2379,…");
  const auto file = [&](const std::string& flag, std::string& path, const std::string& help) {
    return app.add_option(flag, path, help)->check(CLI::ExistingFile)->needs(url);
  };
  file("--log-ca", log.ca, "The authorities of etcd's certificates, in PEM");
  auto* certificate = file("--log-cert", log.certificate, "Who this node is to etcd, in PEM");
  auto* key = file("--log-key", log.key, "Its private key, in PEM");
  certificate->needs(key);
  key->needs(certificate);
  file("--log-user", log.user_file, "A file whose first line is etcd's USER:PASSWORD");
  auto* node = app.add_option("--node", log.node, "This node's name, of its own in the log")
                   ->check(CLI::Validator(
                       [](const std::string& text) {
                         const bool right =
                             !text.empty() && text.size() <= 64 &&
                             text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
                                 std::string::npos;
                         return right ? std::string()
                                      : text +
                                            " is not a node's name: lower-case letters, digits, "
                                            "'-', '_' and '.'";
                       },
                       ""));
  url->needs(node);
  node->needs(url);
}

void add_serve_flags(CLI::App& app, commands::ServeOptions& serve) {
  constexpr std::size_t kBytesMax = 1 << 30;
  app.add_option("--listen", serve.listen, "Address and port; port 0: the system gives one")
      ->capture_default_str();
  add_duration(app, "--close-after", serve.service.close_after, "6h",
               "Close a day so long after its midnight and the server's start");
  app.add_option("--anchor", serve.service.anchor,
                 "Append the digests of closed days to this file");
  app.add_option("--routes", serve.service.routes, "A folder with routes of your own")
      ->check(CLI::ExistingDirectory);
  app.add_option("--secrets", serve.service.secrets,
                 "A file with the secrets of the channels of payment systems, in JSON, which its "
                 "owner alone can read; read again on SIGHUP")
      ->check(CLI::ExistingFile);
  app.add_option_function<std::vector<std::string>>(
         "--trusted-proxy",
         [&serve](const std::vector<std::string>& texts) {
           for (const auto& text : texts) {
             const auto network = parse_network(text);
             if (!network) {
               throw CLI::ValidationError("--trusted-proxy",
                                          text +
                                              " is not an address or a network, such as "
                                              "127.0.0.1 or 10.0.0.0/8");
             }
             serve.service.trusted_proxies.push_back(*network);
           }
         },
         "Addresses and networks of proxies whose X-Forwarded-For is believed, by commas")
      ->delimiter(',')
      ->type_name("ADDRESS[/BITS]");
  app.add_flag("--test-clock", serve.service.test_clock,
               "Take the time from the header Saldo-Now, and close no days: for tests");
  app.add_flag("--demo-clock", serve.service.demo_clock,
               "The clock begins at noon of the open day, and no days are closed: for the "
               "demonstration")
      ->excludes(app.get_option("--test-clock"));
  auto* certificate =
      app.add_option("--tls-cert", serve.certificate, "The certificate chain, in PEM")
          ->check(CLI::ExistingFile);
  auto* key =
      app.add_option("--tls-key", serve.key, "Its private key, in PEM")->check(CLI::ExistingFile);
  certificate->needs(key);
  key->needs(certificate);
  app.add_option("--max-body", serve.http.body, "Bytes of a body")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{1}, kBytesMax));
  app.add_option("--max-statement", serve.http.statement, "Bytes of a bank's statement")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{1}, kBytesMax));
  app.add_option("--max-connections", serve.http.connections, "Connections at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  add_duration(app, "--io-timeout", serve.http.io_timeout, "5s",
               "Between two bytes of a request, and of its answer");
  add_duration(app, "--keep-alive", serve.http.keep_alive, "15s",
               "Between two requests of a connection");
  app.add_option("--readers", serve.service.readers, "Connections to the database that read")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--max-waiting", serve.service.waiting_writes_max, "Writes that wait at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  add_duration(app, "--busy-timeout", serve.service.busy_timeout, "5s",
               "For another program to let go of the database");
  add_duration(app, "--route-timeout", serve.service.route_timeout, "30s",
               "For a route's query, or for a write to begin");
  add_duration(app, "--sql-timeout", serve.service.sql.time, "5s", "For a query of /v1/sql");
  app.add_option("--sql-rows", serve.service.sql.rows, "Rows of an answer of /v1/sql")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--sql-memory", serve.service.sql.memory, "Bytes for a query of /v1/sql")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  add_log_flags(app, serve.log);
  app.get_option("--demo-clock")->excludes(app.get_option("--log"));
  add_duration(
      app, "--stale-after", serve.service.replica.stale_after, "60s",
      "So long without the log, while what follows in it is applied, or while it takes what others "
      "write and nothing of this node, /healthz is still ok");
  add_duration(app, "--spread", serve.service.replica.spread, "30s",
               "Days are closed, notices posted and deliveries made by any node, at a random time "
               "within this");
  app.add_option("--log-level", serve.log_level, "debug also logs what was only read")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
}

int run(int count, char** arguments) {
  count_memory();
  CLI::App app(
      "saldod: prepaid billing over HTTP. Strangers are met by a reverse proxy in front of it, "
      "which limits "
      "whole requests, headers and floods",
      "saldod");
  app.set_version_flag("--version", SALDO_VERSION);
  app.require_subcommand(1);
  std::string database;
  const auto command = [&](CLI::App& parent, const std::string& name, const std::string& help) {
    CLI::App* added = parent.add_subcommand(name, help);
    added->add_option("--database", database, "The database file")->required();
    return added;
  };
  int status = 0;

  std::string opening;
  std::string country = "ru";
  auto* installing = command(app, "install", "Open books in a new database, or upgrade them");
  installing->add_option("--opening", opening, "The first day of the books")->required();
  installing->add_option("--country", country, "Whose calendar: ru, or none for Monday to Friday")
      ->capture_default_str();
  installing->callback([&] { status = commands::install(database, opening, country); });

  commands::ServeOptions serve;
  auto* serving = command(app, "serve", "Serve HTTP, close days, and send notices");
  serving->footer(
      "Clients that are not trusted should reach this server through a reverse proxy, which limits "
      "how\n"
      "long and how large their requests may be, and how many. An nginx configuration comes with "
      "it:\n"
      "/usr/share/saldo/nginx.conf, in the source server/deploy/nginx.conf.");
  add_serve_flags(*serving, serve);
  add_mail_flags(*serving, serve);
  serving->callback([&] {
    serve.service.database = database;
    status = commands::serve(serve);
  });

  std::string through;
  auto* closing = command(app, "close", "Close every ended day up to one");
  closing->add_option("--through", through, "The last day to close")->required();
  closing->callback([&] { status = commands::close_days(database, through); });

  commands::Import statements;
  auto* importing = command(
      app, "import", "Take in what statements of banks show as received, each document once");
  importing->add_option("FILE", statements.files, "Statements, 1CClientBankExchange or camt.053")
      ->required();
  importing->add_option("--account", statements.account, "Only what came to this account of ours");
  importing->add_flag("--dry-run", statements.dry_run, "Tell what would be done, and do nothing");
  importing->callback([&] { status = commands::import_statements(database, statements); });

  commands::PrintedMonth printed;
  auto* printing =
      command(app, "documents", "Print a month's documents: a PDF of each, post.pdf, registry.csv");
  printing->add_option("--month", printed.month, "The month, YYYY-MM")->required();
  printing->add_option("--out", printed.out, "The folder they go to")->required();
  auto* issuing =
      printing->add_flag("--issue", printed.issue, "Issue those that are missing, first");
  printing
      ->add_option("--issued-on", printed.issued_on, "Their day; the month's last one if left out")
      ->needs(issuing);
  printing->callback([&] { status = commands::print_documents(database, printed); });

  std::string anchor;
  auto* verifying = command(
      app, "verify", "Check integrity, audits and digests; exit status 1 when anything is found");
  verifying->add_option("--anchor", anchor,
                        "A file of digests stored elsewhere, lines `day digest`");
  verifying->callback([&] { status = commands::verify(database, anchor); });

  auto* token = app.add_subcommand("token", "Bearer tokens");
  token->require_subcommand(1);
  std::string role;
  std::string name;
  auto* creating = command(*token, "create", "Print a new token, once");
  creating->add_option("--role", role, token_roles(", ", " or "))->required();
  creating->add_option("--name", name, "Who bears it; recorded_by of what it writes")->required();
  commands::LogFlags log;
  add_log_flags(*creating, log);
  creating->callback([&] { status = commands::create_token(database, log, role, name); });
  command(*token, "list", "Names, roles, and whether they are valid")->callback([&] {
    status = commands::list_tokens(database);
  });
  auto* revoking = command(*token, "revoke", "Make a token invalid from now on");
  revoking->add_option("--name", name, "Whose token")->required();
  add_log_flags(*revoking, log);
  revoking->callback([&] { status = commands::revoke_token(database, log, name); });

  auto* logs = app.add_subcommand("log", "The replicated log that several machines follow");
  logs->require_subcommand(1);
  const auto log_command = [&](const std::string& its_name, const std::string& help, auto run_it) {
    CLI::App* added = command(*logs, its_name, help);
    add_log_flags(*added, log);
    added->callback([&status, run_it] { status = run_it(); });
    return added;
  };
  log_command("init", "Begin a log with this file, which the other nodes join from a backup of it",
              [&] { return commands::log_init(database, log); });
  std::string from_backup;
  log_command("join", "Make this node's file of a backup of another node's",
              [&] { return commands::log_join(database, log, from_backup); })
      ->add_option("FROM_BACKUP", from_backup, "A backup of a node")
      ->required()
      ->check(CLI::ExistingFile);
  log_command("leave", "Make the file one that stands alone",
              [&] { return commands::log_leave(database, log); });
  std::string without;
  log_command("trim", "Forget what all nodes have applied", [&] {
    return commands::log_trim(database, log, without);
  })->add_option("--without", without, "A node that does not come back");
  log_command("status", "Where this file is, and the other nodes",
              [&] { return commands::log_status(database, log); });
  log_command("seal", "End this build's entries, before saldod is replaced on each node",
              [&] { return commands::log_seal(database, log); });

  std::string copy;
  auto* copying = command(app, "backup", "Copy the database while the server runs");
  copying->add_option("file", copy, "The new file")->required();
  copying->callback([&] { status = commands::backup(database, copy); });

  try {
    app.parse(count, arguments);
  } catch (const CLI::RequiredError& error) {
    const CLI::App& parent = app.got_subcommand(token)  ? *token
                             : app.got_subcommand(logs) ? *logs
                                                        : app;
    const auto unknown = parent.remaining();
    const bool has_command = !parent.get_subcommands().empty();
    app.exit(has_command || unknown.empty()
                 ? CLI::Error(error)
                 : CLI::Error("ExtrasError", "There is no command " + unknown.front(),
                              CLI::ExitCodes::ExtrasError));
    return commands::kFailedStatus;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : commands::kFailedStatus;
  }
  return status;
}

}  // namespace
}  // namespace saldo::server

int main(int count, char** arguments) {
  try {
    return saldo::server::run(count, arguments);
  } catch (const std::exception& error) {
    std::cerr << "saldod: " << error.what() << std::endl;
    return saldo::server::commands::kFailedStatus;
  }
}
