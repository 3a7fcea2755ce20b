using System.Globalization;
using System.Text.RegularExpressions;

namespace Mutation;

/// <summary>What to run.</summary>
internal sealed record Options
{
    public const string Usage = """
        usage: dotnet run -c Release --project eng/Mutation -- [options]
          --files REGEX     files to mutate, named from src/Diffusion (default: schedules, samplers, denoisers and objectives)
          --tests REGEX     test classes to use (default: all but those that build or publish)
          --sample N        that many mutants, drawn at random (default: all)
          --seed N          of the drawing (default 1)
          --minutes M       start no mutant after that many minutes (default: no limit)
          --seconds S       tests of at most that many seconds a mutant, quickest first (default 15)
          --workers N       processes that run tests (default: one a core)
          --list            only list the mutants
          --again           try again what survived the last time
          --fresh           forget the outcomes of earlier runs of the same library and tests
        """;

    private const string Objectives = @"^(Schedules|Samplers|Denoisers)/|^Roots\.cs$|^Training/(\w*Objective|ScoreMatching|LossWeighting|LossTerms|TimeDistribution|ImportanceTimes|ShiftedTimes|SpreadTimes|\w*Coupling|CoupledBatch)\.cs$";

    public Regex Files { get; private init; } = new(Objectives);
    public Regex Tests { get; private init; } = new(@"^(?!Diffusion\.Tests\.(Build|Design\.(?!PublicSurface)|Imaging)\b)(?!.*(CrashTests|SoakTests)$)");
    public int? Sample { get; private init; }
    public int Seed { get; private init; } = 1;
    public double Minutes { get; private init; } = double.PositiveInfinity;
    public double Seconds { get; private init; } = 15;
    public int Workers { get; private init; } = Environment.ProcessorCount;
    public bool List { get; private init; }
    public bool Again { get; private init; }
    public bool Fresh { get; private init; }

    public static Options Parse(string[] args)
    {
        var options = new Options();
        var left = new Queue<string>(args);
        string Value(string name) => left.TryDequeue(out var value) ? value : throw new ArgumentException($"{name} needs a value.");
        double Number(string name) => double.Parse(Value(name), CultureInfo.InvariantCulture);
        while (left.TryDequeue(out var name))
            options = name switch
            {
                "--files" => options with { Files = new Regex(Value(name)) },
                "--tests" => options with { Tests = new Regex(Value(name)) },
                "--sample" => options with { Sample = (int)Number(name) },
                "--seed" => options with { Seed = (int)Number(name) },
                "--minutes" => options with { Minutes = Number(name) },
                "--seconds" => options with { Seconds = Number(name) },
                "--workers" => options with { Workers = (int)Number(name) },
                "--list" => options with { List = true },
                "--again" => options with { Again = true },
                "--fresh" => options with { Fresh = true },
                _ => throw new ArgumentException($"There is no option {name}."),
            };
        return options;
    }
}
