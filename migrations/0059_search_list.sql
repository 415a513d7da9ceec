-- New words wait in a list that every search reads from end to end: of 4 MB, which are five thousand
-- messages, that took 35 ms. Shorter lists cost those who write next to nothing.
ALTER INDEX event_search_vector SET (gin_pending_list_limit = 128);
SELECT gin_clean_pending_list('event_search_vector');
