// What makes the pages quicker to use; without it they do the same. Charts are drawn from the tables beside them, a
// search answers while one types, and a form that records is sent once.
'use strict';
(() => {
  const chartScript = document.currentScript.dataset.chart;

  // What a form was answered with has the address of the page that the form is of: Back and Reload lead there, instead of
  // sending it once more.
  if (location.pathname === '/do') {
    const from = document.querySelector('form [name=_form]');
    if (from && from.value.startsWith('/')) history.replaceState(null, '', from.value);
  }

  // A button pressed twice sends one form. Coming back to the page makes it usable again.
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.hasAttribute('data-once')) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = '1';
    form.querySelector('button').disabled = true;
  });
  window.addEventListener('pageshow', () => {
    for (const form of document.querySelectorAll('form[data-once]')) {
      delete form.dataset.sent;
      form.querySelector('button').disabled = false;
    }
  });

  // Search as one types: what follows the form is replaced by that of the answer.
  for (const form of document.querySelectorAll('form[data-search]')) {
    let timer = 0;
    let latest = 0;
    const search = async () => {
      const number = ++latest;
      const url = new URL(form.action);
      url.search = new URLSearchParams(new FormData(form)).toString();
      const answer = await fetch(url, { credentials: 'same-origin' });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const other = page.querySelector('form[data-search]');
      if (number !== latest || !other) return;
      while (form.nextSibling) form.nextSibling.remove();
      form.after(...(function* rest(node) {
        for (let next = node.nextSibling; next; next = next.nextSibling) yield document.importNode(next, true);
      })(other));
      history.replaceState(null, '', url);
      const told = form.querySelector('[role=status]');
      const shown = form.parentElement.querySelectorAll('section.table tbody tr').length;
      const empty = form.parentElement.querySelector('section.table p');
      told.textContent = shown || !empty ? told.dataset.shown + shown : empty.textContent;
    };
    form.addEventListener('input', () => {
      clearTimeout(timer);
      // Where the server is not there just now, the form itself still asks it.
      timer = setTimeout(() => search().catch(() => {}), 150);
    });
  }

  const figures = document.querySelectorAll('figure[data-chart]');
  if (!figures.length) return;

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Days off are shaded, and marked days have a line with their word.
  const calendar = (rows) => ({
    id: 'calendar',
    beforeDatasetsDraw(chart) {
      const { ctx, chartArea: area, scales: { x } } = chart;
      const step = rows.length > 1 ? x.getPixelForValue(1) - x.getPixelForValue(0) : area.width;
      ctx.save();
      ctx.beginPath();
      ctx.rect(area.left, area.top, area.width, area.height);
      ctx.clip();
      rows.forEach((row, i) => {
        const at = x.getPixelForValue(i);
        if (row.off) {
          ctx.fillStyle = color('--off');
          ctx.fillRect(at - step / 2, area.top, step, area.height);
        }
      });
      ctx.restore();
      ctx.save();
      let marks = 0;
      rows.forEach((row, i) => {
        if (!row.mark) return;
        const at = x.getPixelForValue(i);
        ctx.strokeStyle = color('--soft');
        ctx.setLineDash([4, 4]);
        ctx.beginPath();
        ctx.moveTo(at, area.top);
        ctx.lineTo(at, area.bottom);
        ctx.stroke();
        ctx.fillStyle = color('--ink');
        ctx.font = '12px system-ui, sans-serif';
        const left = at + 4 + ctx.measureText(row.mark).width < area.right;
        ctx.textAlign = left ? 'left' : 'right';
        ctx.fillText(row.mark, left ? at + 4 : at - 4, area.top + 12 + 14 * (marks++ % 2));
      });
      ctx.restore();
    },
  });

  const draw = (figure) => {
    const heads = [...figure.querySelectorAll('thead th')].map((head) => head.textContent);
    const rows = [...figure.querySelectorAll('tbody tr')].map((row) => ({
      off: row.hasAttribute('data-off'),
      mark: row.dataset.mark || '',
      cells: [...row.cells],
    }));
    const canvas = figure.querySelector('canvas');
    canvas.parentElement.hidden = false;
    const colors = [color('--accent'), color('--good'), color('--warning'), color('--bad')];
    const line = figure.dataset.chart === 'line';
    const number = new Intl.NumberFormat(figure.dataset.language, { notation: 'compact' });
    new Chart(canvas, {
      type: figure.dataset.chart,
      plugins: [calendar(rows)],
      data: {
        labels: rows.map((row) => row.cells[0].textContent),
        datasets: heads.slice(1).map((label, i) => ({
          label,
          data: rows.map((row) => {
            const { value } = row.cells[i + 1].dataset;
            return value === undefined ? null : Number(value);
          }),
          borderColor: colors[i % colors.length],
          backgroundColor: line ? 'transparent' : colors[i % colors.length],
          borderDash: i ? [5, 4] : [],
          borderWidth: line ? 2 : 0,
          pointRadius: 0,
          pointHitRadius: 12,
          stepped: line ? 'before' : false,
        })),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        color: color('--ink'),
        interaction: { mode: 'index', intersect: false },
        plugins: {
          legend: { display: heads.length > 2, labels: { boxWidth: 16 } },
          tooltip: {
            callbacks: {
              label: (item) => `${item.dataset.label}: ${rows[item.dataIndex].cells[item.datasetIndex + 1].textContent}`,
            },
          },
        },
        scales: {
          x: { ticks: { color: color('--soft'), maxTicksLimit: Math.max(2, Math.floor(figure.clientWidth / 130)), maxRotation: 0 }, grid: { display: false } },
          y: { ticks: { color: color('--soft'), callback: (value) => number.format(value) }, grid: { color: color('--line') } },
        },
      },
    });
  };

  const script = document.createElement('script');
  script.src = chartScript;
  script.addEventListener('load', () => figures.forEach(draw));
  document.head.append(script);
})();
