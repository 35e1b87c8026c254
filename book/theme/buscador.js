'use strict';

/* global Mark, path_to_root, mdbook_something_else_has_focus */

/*
 * The search of the book. mdBook's own knows only English: it takes «señal» and «senal» for different words, and cuts
 * endings as English does. This one reads the pages out of mdBook's index, folds accents, and cuts the endings of Spanish.
 */
window.search = window.search || {};
(function() {
    const wrapper = document.getElementById('mdbook-search-wrapper');
    const form = document.getElementById('mdbook-searchbar-outer');
    const bar = document.getElementById('mdbook-searchbar');
    const list = document.getElementById('mdbook-searchresults');
    const outer = document.getElementById('mdbook-searchresults-outer');
    const header = document.getElementById('mdbook-searchresults-header');
    const button = document.getElementById('mdbook-search-toggle');
    if (!bar) {
        return;
    }

    /** Words that are everywhere and tell nothing. */
    const EMPTY = new Set(('a al ante asi aun con como cual cuando de del desde donde e el ella en entre era es esa ese eso esta este '
        + 'esto fue ha hasta hay la las le les lo los mas me mi mientras muy ni no nos o para pero por porque pues que quien se '
        + 'segun ser si sin sobre son su sus tambien tan te tiene tu tus un una uno y ya').split(' '));

    /** Pages with every word of the trade in them: the lessons come first. */
    const REFERENCE = /^(reglas|experimentos)\.html/;

    /** Without capitals and accents: many keyboards lack them, and many hands leave them out. */
    function fold(text) {
        return text.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '');
    }

    /** What the forms of a Spanish word have in common; `word` is folded. */
    function stem(word) {
        if (word.length < 5 || /[^a-z]/.test(word)) {
            return word;
        }
        const endings = [
            [/(aciones|uciones|iciones|acion|ucion|icion)$/, ''],
            [/(amientos|imientos|amiento|imiento)$/, ''],
            [/(andose|iendose|andolo|iendolo|ando|iendo|yendo)$/, ''],
            [/(adores|adoras|ador|adora)$/, ''],
            [/(arlos|arlas|arlo|arla|arse|erlo|erla|erse|irlo|irla|irse)$/, ''],
            [/(adas|ados|ada|ado|idas|idos|ida|ido)$/, ''],
            [/(aran|eran|iran|aba|aban|ar|er|ir|an|en)$/, ''],
            [/ces$/, 'z'],
            [/(mente)$/, ''],
            [/(es|as|os|a|o|e|s)$/, ''],
        ];
        for (const [ending, instead] of endings) {
            const cut = word.replace(ending, instead);
            if (cut !== word && cut.length >= 3) {
                return cut;
            }
        }
        return word;
    }

    /** The words of a text as they stand: `dockerignore`, `depends_on`, `docker-compose.yml`. */
    function whole_words(text) {
        const found = fold(text).matchAll(/[\p{L}\p{N}][\p{L}\p{N}_.:/@-]*/gu);
        return [...found].map(([word]) => word.replace(/[.:/-]+$/, ''));
    }

    /** The words of a text, and the parts of those that have some. */
    function words(text) {
        const found = [];
        for (const word of whole_words(text)) {
            found.push(word);
            const parts = word.split(/[_.:/@-]+/).filter(part => part !== '');
            if (parts.length > 1) {
                found.push(...parts);
            }
        }
        return found;
    }

    let pages = null;
    let limit = 20;
    let teaser_words = 28;

    /** Makes ready what mdBook's index carries. */
    function read(index) {
        limit = index.results_options.limit_results;
        teaser_words = index.results_options.teaser_word_count;
        const docs = index.index.documentStore.docs;
        pages = Object.keys(docs).map(ref => {
            const doc = docs[ref];
            const count = new Map();
            const add = (text, weight) => {
                for (const word of words(text)) {
                    for (const form of new Set([word, stem(word)])) {
                        count.set(form, (count.get(form) || 0) + weight);
                    }
                }
            };
            add(doc.title, 30);
            add(doc.breadcrumbs, 5);
            add(doc.body, 1);
            return { url: index.doc_urls[ref], title: doc.title, trail: doc.breadcrumbs, body: doc.body, count };
        });
    }

    /** How well a page answers one word of the question: 0 is not at all. */
    function weigh(page, word) {
        const whole = page.count.get(word) || 0;
        const stemmed = page.count.get(stem(word)) || 0;
        let begun = 0;
        if (whole === 0 && stemmed === 0 && word.length > 2) {
            for (const [form, weight] of page.count) {
                if (form.startsWith(word)) {
                    begun = Math.max(begun, weight);
                }
            }
        }
        return Math.log1p(whole * 2 + stemmed + begun / 4);
    }

    function find(question) {
        const asked = [...new Set(whole_words(question))];
        const telling = asked.filter(word => !EMPTY.has(word));
        const wanted = telling.length > 0 ? telling : asked;
        const found = [];
        for (const page of wanted.length > 0 ? pages : []) {
            const weights = wanted.map(word => weigh(page, word));
            if (weights.every(weight => weight > 0)) {
                const sum = weights.reduce((sum, weight) => sum + weight, 0);
                found.push([REFERENCE.test(page.url) ? sum / 2 : sum, page]);
            }
        }
        found.sort((a, b) => b[0] - a[0]);
        return [wanted, found.map(([, page]) => page)];
    }

    /** Whether a word of a text is one that was asked for. */
    function is_wanted(word, wanted) {
        return words(word).some(form => wanted.some(one => form.startsWith(one) || stem(form) === stem(one)));
    }

    /** The stretch of a page with most of what was asked for, those words marked. */
    function teaser(body, wanted) {
        const all = body.split(/\s+/).filter(word => word !== '');
        const hits = all.map(word => is_wanted(word, wanted));
        let best = 0, best_hits = -1, current = 0;
        for (let end = 0; end < all.length; end++) {
            current += hits[end] ? 1 : 0;
            if (end >= teaser_words) {
                current -= hits[end - teaser_words] ? 1 : 0;
            }
            if (current > best_hits) {
                best_hits = current;
                best = Math.max(0, end - teaser_words + 1);
            }
        }
        // A little of what comes before makes it easier to read.
        const first = hits.indexOf(true, best);
        const start = first > best + 6 ? first - 6 : best;
        const element = document.createElement('span');
        element.className = 'teaser';
        all.slice(start, start + teaser_words).forEach((word, i) => {
            element.append(i === 0 ? (start > 0 ? '… ' : '') : ' ');
            if (hits[start + i]) {
                const mark = document.createElement('em');
                mark.textContent = word;
                element.append(mark);
            } else {
                element.append(word);
            }
        });
        if (start + teaser_words < all.length) {
            element.append(' …');
        }
        return element;
    }

    function show_results(question) {
        list.replaceChildren();
        if (question === '') {
            outer.classList.add('hidden');
            header.textContent = '';
            return;
        }
        const [wanted, found] = find(question);
        const shown = found.slice(0, limit);
        header.textContent = found.length === 0
            ? `No hay resultados para «${question}».`
            : found.length === 1
                ? `1 resultado para «${question}»:`
                : `${found.length} resultados para «${question}»` + (found.length > limit ? `; los ${limit} mejores:` : ':');
        for (const page of shown) {
            const [path, anchor] = page.url.split('#');
            const link = document.createElement('a');
            const words_to_mark = encodeURIComponent(wanted.join(' '));
            link.href = `${path_to_root}${path}?marca=${words_to_mark}${anchor ? '#' + anchor : ''}`;
            link.textContent = page.trail;
            const item = document.createElement('li');
            item.append(link, teaser(page.body, wanted));
            list.append(item);
        }
        outer.classList.remove('hidden');
    }

    function search() {
        const question = bar.value.trim();
        const url = new URL(window.location.href);
        if (question === '') {
            url.searchParams.delete('busca');
        } else {
            url.searchParams.set('busca', question);
        }
        window.history.replaceState(null, '', url);
        if (pages) {
            show_results(question);
        }
    }

    let loading = false;
    function load() {
        if (pages || loading) {
            return;
        }
        loading = true;
        form.classList.add('searching');
        const script = document.createElement('script');
        script.src = window.path_to_searchindex_js;
        script.onload = () => {
            read(window.search);
            form.classList.remove('searching');
            search();
        };
        script.onerror = () => {
            form.classList.remove('searching');
            header.textContent = 'No se pudo cargar el índice del libro.';
            outer.classList.remove('hidden');
            loading = false;
        };
        document.head.append(script);
    }

    function show(yes) {
        wrapper.classList.toggle('hidden', !yes);
        button.setAttribute('aria-expanded', yes);
        if (yes) {
            load();
            window.scrollTo(0, 0);
            bar.select();
            bar.focus();
        } else {
            bar.value = '';
            search();
        }
    }

    button.addEventListener('click', () => show(wrapper.classList.contains('hidden')));
    form.addEventListener('submit', event => event.preventDefault());
    bar.addEventListener('input', search);

    // From the bar down to the results and back, as in any list.
    wrapper.addEventListener('keydown', event => {
        const links = [...list.querySelectorAll('a')];
        const at = links.indexOf(document.activeElement);
        if (event.key === 'ArrowDown' && links.length > 0) {
            event.preventDefault();
            links[Math.min(at + 1, links.length - 1)].focus();
        } else if (event.key === 'ArrowUp' && at >= 0) {
            event.preventDefault();
            (at === 0 ? bar : links[at - 1]).focus();
        } else if (event.key === 'Enter' && document.activeElement === bar && links.length > 0) {
            event.preventDefault();
            links[0].click();
        } else if (event.key === 'Escape') {
            event.preventDefault();
            show(false);
            button.focus();
        }
    });
    document.addEventListener('keydown', event => {
        if (event.altKey || event.ctrlKey || event.metaKey || mdbook_something_else_has_focus(event)) {
            return;
        }
        if (event.key === '/' || (event.key === 's' && !event.shiftKey)) {
            event.preventDefault();
            show(true);
        }
    });

    window.search.hasFocus = () => wrapper.contains(document.activeElement);

    const asked = new URL(window.location.href).searchParams;
    if (asked.get('busca')) {
        bar.value = asked.get('busca');
        show(true);
    }
    if (asked.get('marca')) {
        const marker = new Mark(document.getElementById('mdbook-content'));
        // Text of a drawing inside a <mark> is not drawn.
        marker.mark(asked.get('marca').split(' '), { diacritics: true, exclude: ['text'] });
        document.addEventListener('keydown', event => {
            if (event.key === 'Escape') {
                marker.unmark();
            }
        });
    }
})();
