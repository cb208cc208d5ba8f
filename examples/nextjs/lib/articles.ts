export interface Article {
  readonly slug: string
  readonly title: string
  /** What it is about, in a sentence. */
  readonly lead: string
  readonly author: string
  readonly date: string
  readonly minutes: number
  readonly text: readonly string[]
}

/** The newest first. */
export const articles: readonly Article[] = [
  {
    slug: 'the-gauge-at-sandholm-quay',
    title: 'The gauge at Sandholm Quay',
    lead: 'For ninety-one years somebody has walked down the steps at eight in the morning to see how high the sea is.',
    author: 'Mirjam Oster',
    date: '2026-11-21',
    minutes: 4,
    text: [
      'The gauge is a plank. It is bolted to the inner face of the quay, painted white with black numerals, and it has been replaced four times since 1935, each time by a plank of the same length with its zero on the same brass stud. The stud is the instrument. The plank is only how you read it.',
      'Greta Lind reads it at eight. She goes down eleven steps, or nine, or on two mornings a year none at all, waits for three waves, takes the middle of them by eye, and writes a number of centimetres into a book with a green cloth cover. Then she writes what the wind is doing. The column for remarks is mostly empty. On the fourth of February 1954 it says “ice to the horizon”, in her grandfather’s hand, and on the fifth, underneath, a ditto mark.',
      'There has been an electronic gauge in the shed since 1988. It takes a reading every minute and sends it to a building in the capital, where it becomes part of a curve. Greta has seen the curve. She thinks it is very good. It was out of order for six weeks in the winter of 2011, and for those six weeks the curve is made from the green book, interpolated, with a footnote.',
      '“People ask me why we still do it,” she says, “and I say: because the machine has never once told us that it was wrong. It just stopped, and kept on sending the last number it had. Three days it was dead calm here, according to the machine. I was standing in it up to my knees.”',
      'This is, when you think about it, the whole of the matter. An instrument that goes silent is a nuisance. An instrument that goes on saying the last thing it knew is a danger, because it looks exactly like good weather. What you want from anything that reports to you is that it tells you when it can’t.',
      'Greta closes the book. Sixty-two centimetres, wind south-west four, remarks: none. She will be back tomorrow.',
    ],
  },
  {
    slug: 'leaves-when-full',
    title: 'Leaves when full',
    lead: 'The ferry to Aspö has no timetable, and is never late.',
    author: 'Jonas Rehn',
    date: '2026-11-14',
    minutes: 3,
    text: [
      'There is a board at the landing where a timetable would be. It says LEAVES WHEN FULL, and below that, smaller, OR WHEN IT IS TIME. Who decides when it is time is not stated. It is Bengt.',
      'The boat takes twelve people, or nine people and a cow. In July she fills in minutes and goes back and forth all day like a shuttle on a loom. In November Bengt sits in the wheelhouse with the stove going and the radio low, and looks up the road. If he sees somebody running, he waits. If he sees somebody walking, he also waits, but he starts the engine, so that they know.',
      'Twice, consultants have come. The first proposed a departure every thirty minutes. Bengt asked what should happen if, at the half hour, there was nobody there but somebody on the road, and the consultant said that then they would have to take the next one. Bengt turned this over for a while. “So the boat goes empty,” he said, “and the person stands in the rain, and that’s punctual.”',
      'The second was cleverer and proposed that he note down for a year when people came, so that the timetable might follow them. He did. It is the most beautiful document on the island: one line for every crossing, the hour, the number of passengers, and why. “3, dentist.” “1, has quarrelled.” “7 and a piano.” It was found to contain no pattern at all, except that on Thursdays, for a reason nobody has got to the bottom of, everyone goes home early.',
      'You don’t need a schedule if you have somebody who watches the road. But you do need the somebody, all day, in all weathers, with the stove going. This is the expensive part, and it is the part that the consultants left out.',
    ],
  },
  {
    slug: 'a-blue-that-lasts',
    title: 'A blue that lasts',
    lead: 'Every boat in Kalvsund is the same colour, and no two are alike.',
    author: 'Elin Marklund',
    date: '2026-11-02',
    minutes: 3,
    text: [
      'Ask in the chandlery for Kalvsund blue and they will hand you a tin without a label. It is mixed in the back, from a white that you could buy anywhere and a pigment that comes by post twice a year, and the recipe is “until it looks right”.',
      'It looks right on the brush. A season later, it doesn’t: the south side of a hull goes towards grey, the waterline towards green, and where fenders have rubbed there is a paler stripe like the mark that a watch leaves on a wrist. By the third year you can tell from a boat’s colour how she lies at her mooring, which way she faces, and whether her owner is the kind that touches up in spring or the kind that says he will.',
      'I had thought that the point of one colour for all was to look the same. It is the other way round. If every boat had a colour of her own you would see the colours. As it is you see what the weather did, which is a thing about each of them that you could not have chosen.',
      'Old Sander has the only boat that never fades. He repaints her each April, all of her, down to bare wood first. It takes three weeks of a four-month summer. “She’s as new,” he says, and she is. She is the only one in the harbour that could be from anywhere.',
    ],
  },
  {
    slug: 'what-the-fog-signal-said',
    title: 'What the fog signal said',
    lead: 'Two seconds of sound, eighteen of silence. It was the silence that you steered by.',
    author: 'Tomas Ahlberg',
    date: '2026-10-19',
    minutes: 4,
    text: [
      'The signal on Grimskär was switched off in 1992, on a clear afternoon, by a man with a clipboard. Nobody on the mainland noticed until the first fog, nine days later, when half the town woke up at two in the morning because it was so quiet.',
      'A fog signal is a clock more than a voice. Grimskär gave two seconds in every twenty; Hallskär, eleven miles south, three in thirty; and the bell at the harbour mouth rang when the swell rang it, which told you about the swell. You did not listen for the sound so much as count after it. If you got to eighteen and there was nothing, then you knew something, too: that you had turned, or the wind had, or the keeper was in trouble.',
      'My father fished these waters for forty years and could not tell you what note it was. He could tell you, asleep, if it was late.',
      'There is now a receiver in every wheelhouse, and a line on a screen that shows where you are to within the length of your boat. It is better in every way that can be measured. It doesn’t pause. My father had one for his last three seasons and he trusted it, but he never liked it, and when I asked him why he said that it had no way of telling him it had nothing to say.',
      'Some nights, when it is thick, I still catch myself counting.',
    ],
  },
  {
    slug: 'soup-for-the-night-shift',
    title: 'Soup for the night shift',
    lead: 'At the auction canteen the day begins at one in the morning, with dill.',
    author: 'Mirjam Oster',
    date: '2026-10-05',
    minutes: 2,
    text: [
      'The boats come in from midnight, the bidding starts at five, and in between forty people who have been wet since yesterday need to be fed by Ruth. She has done this for twenty-two years in a room with nine tables and one rule, which is that you may talk about the price of fish, but not at the counter.',
      'The soup is what didn’t make the grade: heads, frames, the cod with a hook scar, a crab that lost an argument. It goes on at ten in the evening with carrots and the white of leeks, and at one she takes it off, strains it, and puts in the things that make it look like a soup that somebody intended. Cream on Fridays. Dill always. “It has to smell of something that grew on land,” she says. “They’ve had enough of the other.”',
      'At a quarter to five the room empties as if someone had pulled a plug. Next door the clock starts to turn, and for an hour and a half the whole catch of this coast is bought by people holding soup bowls that they have forgotten to put down. Ruth walks along behind with a tray.',
    ],
  },
]

export function articleAt(slug: string): Article | undefined {
  return articles.find((article) => article.slug === slug)
}

/** What a page is called, for those who look at numbers. Undefined if there is none. */
export function pageTitle(path: string): string | undefined {
  if (path === '/') return 'Front page'
  return articleAt(path.replace('/articles/', ''))?.title
}

export function dateText(iso: string): string {
  // The same in every place: a server and a browser have to agree.
  return new Date(iso).toLocaleDateString('en-GB', {
    ...{ day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' },
  })
}
