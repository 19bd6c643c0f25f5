"""Folders that stay current: files that appear, change, move or vanish change the library.

    watcher = Watcher(engine, [Watched("/media/notes")], report)
    await watcher.run()

folders    the folders to watch, and the collection of each
rules      which files of a folder count
disk       what is there now
state      what is known of each file, and what is to be done for it
intake     one file into the library, and what becomes of one that fails
watcher    looks, ingests and records, through an EngineApi
signals    when to look: events of the file system, or polling
"""

from omni_core.watch.events import Event as Event
from omni_core.watch.folders import Watched as Watched
from omni_core.watch.watcher import Watcher as Watcher
