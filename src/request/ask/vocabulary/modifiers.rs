//! Words that describe items in ways that no catalogue states: "a dark comedy".
//!
//! Each of them is reported as not understood. A word that is not here may be a verb that turns a sentence round: "boycott comedies".

/// Adjectives and nouns that stand before a kind of items.
const MODIFIERS: &str = "dark, gritty, bleak, grim, depressing, melancholic, tragic, warm, heartwarming, cosy, cozy, gentle, wholesome, sweet, cute, innocent, \
    fun, silly, goofy, stupid, dumb, clever, smart, intelligent, witty, dry, deadpan, satirical, ironic, absurd, surreal, quirky, \
    offbeat, weird, strange, bizarre, odd, trippy, experimental, artsy, arthouse, stylish, beautiful, gorgeous, atmospheric, moody, \
    gothic, slow, fast, tense, intense, gruesome, bloodless, mindless, cheesy, corny, campy, trashy, tacky, raunchy, crude, sexy, \
    erotic, adult, mature, epic, grand, big, small, deep, shallow, simple, complex, complicated, easy, hard, difficult, \
    challenging, relaxing, relaxed, casual, hardcore, soft, mild, heavy, psychological, political, social, legal, medical, \
    religious, spiritual, biblical, philosophical, supernatural, paranormal, mythical, medieval, victorian, ancient, colonial, \
    roman, nordic, scandinavian, european, asian, african, latin, eastern, foreign, international, local, bollywood, hollywood, \
    mainstream, underrated, obscure, unknown, hidden, lesser, cult, indie, independent, low, high, original, true, real, realistic, \
    fictional, remade, restored, silent, black, white, blue, red, green, colour, color, christmas, xmas, holiday, halloween, \
    easter, summer, winter, seasonal, superhero, zombie, vampire, werewolf, monster, alien, robot, dinosaur, dragon, ghost, witch, \
    fairy, pirate, ninja, samurai, wizard, space, spy, heist, prison, courtroom, hospital, school, college, teen, teenage, buddy, \
    road, disaster, survival, revenge, slapstick, standup, parody, spoof, spaghetti, body, folk, cosmic, slasher, \
    nature, wildlife, travel, food, cooking, music, dance, sports, football, boxing, racing, submarine, naval, civil, world, cold, \
    modern, period, costume, feminist, female, male, queer, gay, lesbian, lgbt, disney, pixar, marvel, netflix, award, oscar, \
    blockbuster, popcorn, multiplayer, singleplayer, online, offline, mobile, pixel, isometric, roguelike, sandbox, tactical, \
    historical, educational";

/// Endings of adjectives that hardly any verb has.
const ENDINGS: [&str; 9] = ["ous", "ful", "less", "sive", "tive", "ical", "ional", "esque", "ese"];

/// Returns true for a word that describes what follows it.
pub fn is_modifier(word: &str) -> bool {
    MODIFIERS.split(", ").any(|modifier| modifier.trim() == word) || ENDINGS.iter().any(|ending| word.ends_with(ending))
}
