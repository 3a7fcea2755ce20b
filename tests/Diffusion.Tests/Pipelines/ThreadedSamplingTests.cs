using System.Collections.Concurrent;
using Diffusion.Checkpoints;
using Diffusion.Denoisers;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Pipelines;

/// <summary>One model, its denoisers and its samplers, shared by eight threads: to the bit what each run gives alone.</summary>
public sealed class ThreadedSamplingTests : IDisposable
{
    private const int Threads = 8;

    private static readonly RectifiedFlowSchedule Flow = new();

    private readonly int _intraOpThreads = get_num_threads();
    private readonly DiffusionModel _model;
    private readonly NoisyImageClassifier _classifier;

    public ThreadedSamplingTests()
    {
        manual_seed(0);
        var description = new ModelDescription(Flow, Parameterization.Velocity(), 1, 8, 8) { ClassNames = ["a", "b", "c"], NullClass = 3, DataRange = 1 };
        _model = new DiffusionModel(new UNet(UNetPresets.ForImages(1, 8, classes: 3, width: 8)), description);
        _classifier = new NoisyImageClassifier(1, 8, classes: 3, width: 8);
        _classifier.eval();
    }

    public void Dispose()
    {
        _model.Dispose();
        _classifier.Dispose();
        set_num_threads(_intraOpThreads);
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(2, 2)] // threads that wait for each other are slow where there are more of them than cores: the pipeline only
    public void EightThreadsGiveTheBitsOfOneAfterTheOther(int intraOpThreads, int firstCases)
    {
        using var scope = NewDisposeScope();
        var cases = Cases().Take(firstCases).ToList();
        set_num_threads(intraOpThreads);
        var alone = cases.ToDictionary(c => c.Name, c => Enumerable.Range(0, Threads).Select(k => BitsOf(c.Sample, k)).ToArray());
        foreach (var (name, bits) in alone) Assert.True(bits.Distinct().Count() == Threads, $"{name}: equality would say nothing, since the seeds do not matter.");
        var before = LiveTensors.Count();

        // Each thread has its own seed and begins with another case, so that at every moment different code runs.
        using var start = new Barrier(Threads);
        var found = new Dictionary<string, string>[Threads];
        var errors = new Exception?[Threads];
        var threads = Enumerable.Range(0, Threads).Select(k => new Thread(() =>
        {
            try
            {
                set_num_threads(intraOpThreads);
                start.SignalAndWait();
                found[k] = [];
                for (var i = 0; i < cases.Count; i++)
                {
                    var (name, sample) = cases[(i + k) % cases.Count];
                    found[k][name] = BitsOf(sample, k);
                }
            }
            catch (Exception error)
            {
                errors[k] = error;
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();

        Assert.All(errors, Assert.Null);
        for (var k = 0; k < Threads; k++)
            foreach (var (name, bits) in alone)
                Assert.True(bits[k] == found[k][name], $"{name}: thread {k} gave other bits than a run alone.");
        Assert.Equal(before, LiveTensors.Count());
    }

    [Fact]
    public void TheIntraOpThreadCountIsSetForAThreadAndForThreadsThatComeToLibtorchLater()
    {
        set_num_threads(2);
        using var first = new Worker();
        Assert.Equal(2, first.Do(get_num_threads)); // a new thread begins with what was set last, on any thread
        set_num_threads(1);
        Assert.Equal(2, first.Do(get_num_threads)); // and keeps it
        using var second = new Worker();
        Assert.Equal(1, second.Do(get_num_threads));
        second.Do(() => { set_num_threads(2); return 0; });
        Assert.Equal(1, get_num_threads());
    }

    // Samplers, denoisers and grids are made once and shared by all threads; noise is of a run.
    private List<(string Name, Func<long, Tensor> Sample)> Cases()
    {
        long[] labels = [0, 2, 1];
        var grid = TimeGrid.Uniform(Flow, 5, from: 0.98);
        var condition = Conditioning.ForClasses(labels, 3);
        var (velocity, network) = (Parameterization.Velocity(), _model.Network);
        var plain = _model.Bind(condition);
        var guided = _model.Bind(condition, 3);
        var projected = ClassifierFreeGuidance.Batched(network, Flow, velocity, condition, GuidanceRule.Projected(3, momentum: -0.5));
        var byClassifier = new ClassifierGuidance(plain, new NoisyClassifier(_classifier, velocity).ForLabels(condition.ClassLabels!), 2);

        Func<long, Tensor> Direct(IDenoiser denoiser, Sampler sampler, Func<long, NoiseSource> source) => seed =>
        {
            using var scope = NewDisposeScope();
            using var noise = source(seed);
            return sampler.Sample(denoiser, Flow.DrawPrior([3, 1, 8, 8], noise), grid, noise).MoveToOuterDisposeScope();
        };

        var ancestral = new DdpmSampler(ReverseVariance.Large);
        List<(string, Func<long, Tensor>)> cases =
        [
            ("pipeline, deterministic", seed => _model.Sample(labels, seed, steps: 5)),
            ("pipeline, ancestral, in two batches", seed => _model.Sample(labels, seed, steps: 5, sampler: ancestral, batchSize: 2)),
            ("guided, multistep", Direct(guided, new DpmSolverMultistepSampler(), NoiseSource.FromSeed)),
            ("guided, SDE on a Brownian path", Direct(guided, new DpmPlusPlusSdeSampler(), NoiseSource.Brownian)),
            ("guided with momentum, stochastic Heun", Direct(projected, new StochasticHeunSampler(), NoiseSource.FromSeed)),
            ("classifier guidance, ancestral", Direct(byClassifier, ancestral, NoiseSource.FromSeed)),
            ("adaptive steps", Direct(plain, new AdaptiveFlowSampler(), NoiseSource.FromSeed)),
        ];
        if (Autocast.Instance is not null)
            cases.Add(("bfloat16", Direct(new NetworkDenoiser(network.Computing(ComputePrecision.BFloat16), Flow, velocity, condition), ancestral, NoiseSource.FromSeed)));
        return cases;
    }

    private static string BitsOf(Func<long, Tensor> sample, long seed)
    {
        using var scope = NewDisposeScope();
        return Convert.ToHexString(sample(seed).bytes);
    }

    /// <summary>A thread of its own that does what it is given.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly BlockingCollection<Action> _work = [];
        private readonly Thread _thread;

        public Worker()
        {
            _thread = new Thread(() => { foreach (var work in _work.GetConsumingEnumerable()) work(); });
            _thread.Start();
        }

        public T Do<T>(Func<T> work)
        {
            var result = new TaskCompletionSource<T>();
            _work.Add(() =>
            {
                try
                {
                    result.SetResult(work());
                }
                catch (Exception error)
                {
                    result.SetException(error);
                }
            });
            return result.Task.GetAwaiter().GetResult();
        }

        public void Dispose()
        {
            _work.CompleteAdding();
            _thread.Join();
            _work.Dispose();
        }
    }
}
