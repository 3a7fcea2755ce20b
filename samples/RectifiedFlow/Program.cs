// Flows between two kinds of data, straightened. Without arguments: eight Gaussians are carried to two moons, the paths drawn before and after reflow, about three minutes on two cores.
// "couplings" trains the same transport with every coupling and interpolant; "digits" does it for real on handwritten digits and measures few-step sampling.
using System.CommandLine;
using Diffusion;
using RectifiedFlow;

var output = new Option<string?>("--out") { Description = "Where to write; a folder under out/ if not given. What is there already is gone on with." };
var seconds = new Option<double>("--seconds") { Description = "Seconds of each training.", DefaultValueFactory = _ => 40 };
var rounds = new Option<int>("--rounds") { Description = "How often to reflow.", DefaultValueFactory = _ => 2 };
var root = new RootCommand("Carries eight Gaussians to two moons, before and after reflow: straightness, transport cost, and pictures of the paths.") { seconds, rounds, output };
root.SetAction((parsed, cancellation) => Guarded(() =>
    new PlaneTransport { Folder = parsed.GetValue(output) ?? "out/transport", Seconds = parsed.GetValue(seconds), Rounds = parsed.GetValue(rounds) }.Run(cancellation)));

var each = new Option<long>("--steps") { Description = "Steps of each training.", DefaultValueFactory = _ => 2500 };
var couplings = new Command("couplings", "Trains the transport with every coupling and interpolant, and says whether each comes within its energy distance.") { each };
couplings.SetAction((parsed, cancellation) => Guarded(() => CouplingTable.Run(parsed.GetValue(each), cancellation)));
root.Add(couplings);

var data = new Argument<string>("data") { Description = "The folder of t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz.", DefaultValueFactory = _ => "../shared/data/mnist" };
var minutes = new Option<double>("--minutes") { Description = "Minutes of each of the three trainings.", DefaultValueFactory = _ => 10 };
var pairs = new Option<long>("--pairs") { Description = "Pairs to generate.", DefaultValueFactory = _ => 30_000 };
var pairSteps = new Option<int>("--pair-steps") { Description = "Steps of the solver for a pair.", DefaultValueFactory = _ => 12 };
var guidance = new Option<double>("--guidance") { Description = "Scale of classifier-free guidance, of the pairs and of the first model's samples. The others have it from their pairs.", DefaultValueFactory = _ => 1.5 };
var samples = new Option<int>("--samples") { Description = "Samples to measure, a multiple of 10.", DefaultValueFactory = _ => 1000 };
var bfloat16 = new Option<bool>("--bfloat16") { Description = "Train in bfloat16, a quarter faster on a CPU that has it in hardware." };
var stages = new Option<string[]>("--stages") { Description = "Which of train, pairs, reflow, distil, measure; all if not given. A stage that is finished is not done again.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => DigitStages.All };
stages.AcceptOnlyFromAmong(DigitStages.All);
var digits = new Command("digits", "Class-conditional rectified flow of handwritten digits, its reflow and its distillation to one step, measured. Fifty minutes on two cores; stages may be run one by one and stopped.")
    { data, minutes, pairs, pairSteps, guidance, samples, bfloat16, stages, output };
digits.SetAction((parsed, cancellation) => Guarded(() => new DigitStages
{
    Data = parsed.GetValue(data)!,
    Folder = parsed.GetValue(output) ?? "out/reflow-digits",
    Minutes = parsed.GetValue(minutes),
    Pairs = parsed.GetValue(pairs),
    PairSteps = parsed.GetValue(pairSteps),
    Guidance = parsed.GetValue(guidance),
    Samples = parsed.GetValue(samples),
    Precision = parsed.GetValue(bfloat16) ? ComputePrecision.BFloat16 : ComputePrecision.Float32,
    Stages = parsed.GetValue(stages)!,
}.Run(cancellation)));
root.Add(digits);
return root.Parse(args).Invoke();

static Task<int> Guarded(Action run)
{
    try
    {
        run();
        return Task.FromResult(0);
    }
    catch (Exception error) when (error is ArgumentException or IOException or InvalidDataException or InvalidOperationException or UnauthorizedAccessException or OperationCanceledException)
    {
        Console.Error.WriteLine($"RectifiedFlow: {error.Message}");
        return Task.FromResult(1);
    }
}
