#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Node.js: workers, its thread pool and its event loop.
# Needs: node
exec node "${BASH_SOURCE%/*}/src/workers.js"
