# Fills a manual page with what the program says of itself, so that page and program cannot drift.
# cmake -DSEKISHO=BINARY -DTEMPLATE=IN -DPAGE=OUT -P manual.cmake
cmake_minimum_required(VERSION 3.25)
foreach(part COMMANDS OPTIONS)
    string(TOLOWER --${part} flag)
    execute_process(COMMAND ${SEKISHO} manual ${flag} --roff OUTPUT_VARIABLE ${part} OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endforeach()
configure_file(${TEMPLATE} ${PAGE} @ONLY)
