'use strict';

/* global hljs */

// Highlighting for the languages of this book that mdBook's highlight.js does not know.
hljs.registerLanguage('dockerfile', hljs => ({
    name: 'Dockerfile',
    case_insensitive: true,
    keywords: 'from as arg env label workdir copy add run cmd entrypoint expose user volume healthcheck none stopsignal ' +
        'shell onbuild maintainer',
    contains: [
        hljs.HASH_COMMENT_MODE,
        hljs.QUOTE_STRING_MODE,
        { className: 'string', begin: /'/, end: /'/, illegal: /\n/ },
        { className: 'variable', begin: /\$\{[^}\n]*\}|\$[A-Za-z_]\w*/ },
        { className: 'attr', begin: /\s--[a-z][a-z-]*(?==|\s)/ },
    ],
}));
hljs.registerLanguage('dotenv', hljs => ({
    name: 'Archivo .env',
    contains: [
        hljs.HASH_COMMENT_MODE,
        { className: 'attr', begin: /^[A-Za-z_][\w.-]*(?==)/ },
        { className: 'variable', begin: /\$\{[^}\n]*\}|\$[A-Za-z_]\w*/ },
        hljs.QUOTE_STRING_MODE,
    ],
}));
hljs.registerLanguage('dockerignore', hljs => ({
    name: '.dockerignore',
    contains: [hljs.HASH_COMMENT_MODE, { className: 'keyword', begin: /^!/ }],
}));
// A session: what was typed, and what came back.
hljs.registerLanguage('console', () => ({
    name: 'Consola',
    contains: [
        { className: 'meta', begin: /^\$ /, starts: { end: /$/, contains: [{ begin: /\\\n/ }] } },
    ],
}));
