// Posting notices. The way goes from SQL to C++ and back:
//
//   UPDATE notice_clock SET at = ...                 whoever moves the clock
//     SELECT saldo_post_notices()                    the trigger notice_clock_post
//       post_notices
//         INSERT INTO notice                         what rules/notice.h says is to be told, and
//                                                    what notice_pending holds
//         INSERT, UPDATE notice_seen                 what was seen, and when to look again
//         UPDATE notice_clock                        posted_at: the run is over
//
// A run looks at the accounts that are due (notice_seen.look_at), or at all of them: when it is the
// first one, when something changed that concerns all (notice_clock.look_at_all), and when another
// version of the policy has begun since the run before.
#pragma once

#include "context.h"
#include "rules/notice.h"
#include "walks/walks.h"

namespace saldo {

// Posts what is due at notice_clock.at. Everything is written inside of the statement that called,
// and undone with it. Throws append_only before the clock is set.
void post_notices(Context& context);

// The account that the walks stand on, at an instant of the day they were asked for with access and
// outlook.
Sight see(Walks& walks, Day day, Instant at);

}  // namespace saldo
