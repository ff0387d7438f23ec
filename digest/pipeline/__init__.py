"""The week, written down where it runs.

    queue       read queue.toml and the roster: posts and people, or every problem with its place
    edition     open the period; freeze its posts and words; select; hash; approve
    selection   for each employee: rank, gate, cap, explain; picks and spares, or a named skip
    rendering   compile the edition once per language; fill in per employee
    outbox      one row per (edition, employee) before any byte is sent
    delivery    until the outbox is empty: claim, send, settle
    tracking    for each click and visit: record it durably, then answer; classify
    report      what it led to

Stages fetch, ask a rule on the ground floor, and store the outcome. They hold no rules of their own.
"""
